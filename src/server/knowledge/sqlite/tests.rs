use super::*;

struct House {
    dir: tempfile::TempDir,
    knowledge: Arc<SqliteKnowledge>,
}

impl House {
    async fn of(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("docs")).unwrap();
        for (path, text) in files {
            write(dir.path(), path, text);
        }
        let knowledge = open(dir.path()).await;
        Self { dir, knowledge }
    }

    fn write(&self, path: &str, text: &str) {
        write(self.dir.path(), path, text);
    }

    async fn titles(&self, query: &str) -> Vec<String> {
        let search = self.search(query).await;
        search.found.into_iter().map(|found| found.title).collect()
    }

    async fn search(&self, query: &str) -> Search {
        self.knowledge.search(query, limits::KNOWLEDGE_RESULTS).await.unwrap()
    }
}

fn write(dir: &Path, path: &str, text: &str) {
    let file = dir.join("docs").join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

async fn open(dir: &Path) -> Arc<SqliteKnowledge> {
    SqliteKnowledge::open(&dir.join("knowledge.db"), &dir.join("docs")).await.unwrap()
}

const BACKUP: &str =
    "# Backups\n\nThey run at night.\n\n## Restoring a backup\n\nStop the server, put the file back, start it.\n";
const MENU: &str = "# Canteen\n\nOn Fridays there is fish. The server of the dish smiles.\n";

#[tokio::test]
async fn the_best_passage_comes_first_with_its_place_and_a_quote() {
    let house = House::of(&[("ops/backup guide.md", BACKUP), ("menu.md", MENU)]).await;
    let search = house.search("How do I restore a backup?").await;
    assert_eq!(search.only, None);
    let found = search.found;
    let first = &found[0];
    assert_eq!((first.title.as_str(), first.heading.as_str()), ("Backups", "Restoring a backup"));
    assert_eq!(first.quote, "Stop the server, put the file back, start it.");
    assert_eq!(first.link(), "/api/v1/knowledge/ops/backup%20guide.md#restoring-a-backup");
    assert!(found.iter().all(|found| found.title != "Canteen"));
    assert_eq!(house.titles("fishes on friday").await, ["Canteen"]);
}

#[tokio::test]
async fn what_is_nowhere_is_not_found() {
    let house = House::of(&[("backup.md", BACKUP)]).await;
    for query in ["quantum chromodynamics", "", "??", "\" OR *", "NOT quantum NEAR(", "How long do refunds take?"] {
        assert_eq!(house.titles(query).await, [""; 0], "{query}");
    }
    assert_eq!(house.titles("\"night\" AND (run OR *").await, ["Backups"]);
}

#[tokio::test]
async fn a_question_in_ordinary_words_is_answered_and_a_part_of_it_is_told_as_such() {
    let refunds = "# Returns\n\n## Refunds\n\nRefunds arrive within five working days.\n\n## Parcels\n\nParcels \
                   arrive by night.\n\n## Pickup\n\nParcels wait a week.\n";
    let house = House::of(&[("returns.md", refunds)]).await;
    for question in
        ["How long do refunds take?", "When do refunds arrive?", "how much time until I get my refund", "refunds?"]
    {
        let search = house.search(question).await;
        assert_eq!(search.found.first().map(|found| found.heading.as_str()), Some("Refunds"), "{question}");
        assert_eq!(search.only, None, "{question}");
    }
    // Of what is known, the word that the fewest passages have.
    let search = house.search("do unicorns bring parcels by night at midsummer").await;
    assert_eq!(search.only.as_deref(), Some("night"));
    assert_eq!(search.found.iter().map(|found| found.heading.as_str()).collect::<Vec<_>>(), ["Parcels"]);
}

#[tokio::test]
async fn the_index_follows_the_files() {
    let house = House::of(&[("a.md", "# A\n\napples"), ("b.md", "# B\n\nbananas")]).await;
    assert_eq!(house.titles("apples").await, ["A"]);
    house.write("a.md", "# A\n\ncherries and more");
    house.write("new/c.md", "# C\n\napples");
    fs::remove_file(house.dir.path().join("docs/b.md")).unwrap();
    assert_eq!(house.titles("apples").await, ["C"]);
    assert_eq!(house.titles("cherries").await, ["A"]);
    assert_eq!(house.titles("bananas").await, [""; 0]);
    assert_eq!(house.knowledge.document("b.md").await.unwrap(), None);
}

#[tokio::test]
async fn the_index_is_kept_over_a_restart_and_made_anew_where_it_is_of_no_use() {
    let house = House::of(&[("a.md", "# A\n\napples")]).await;
    assert_eq!(house.titles("apples").await, ["A"]);
    house.knowledge.pool.close().await;
    let House { dir, .. } = house;
    let again = open(dir.path()).await;
    let known: i64 = sqlx::query_scalar("SELECT count(*) FROM documents").fetch_one(&again.pool).await.unwrap();
    assert_eq!(known, 1, "kept");
    again.pool.close().await;
    for broken in [&b"no database at all"[..], b""] {
        for end in ["-wal", "-shm"] {
            let _ = fs::remove_file(dir.path().join(format!("knowledge.db{end}")));
        }
        fs::write(dir.path().join("knowledge.db"), broken).unwrap();
        let mended = open(dir.path()).await;
        assert_eq!(mended.search("apples", 5).await.unwrap().found.len(), 1);
        mended.pool.close().await;
    }
}

#[tokio::test]
async fn a_document_is_served_by_its_path_and_nothing_else_is() {
    let house = House::of(&[("ops/backup.md", BACKUP)]).await;
    fs::write(house.dir.path().join("secret.md"), "secret").unwrap();
    assert_eq!(house.knowledge.document("ops/backup.md").await.unwrap().as_deref(), Some(BACKUP));
    for path in ["../secret.md", "ops/../../secret.md", "/etc/passwd", "ops", "", "ops/backup.md\0", "OPS/BACKUP.MD"] {
        assert_eq!(house.knowledge.document(path).await.unwrap(), None, "{path:?}");
    }
}

#[tokio::test]
async fn a_long_passage_is_quoted_around_the_words() {
    let filler = "filler ".repeat(200);
    let house = House::of(&[("long.md", &format!("# L\n\n{filler} needle in it {filler}"))]).await;
    let found = house.search("needle").await.found;
    assert!(found[0].quote.contains("needle"), "{}", found[0].quote);
    assert!(found[0].quote.len() <= limits::KNOWLEDGE_QUOTE_BYTES);
}

#[tokio::test]
async fn many_ask_at_once_while_files_change() {
    let house = House::of(&[("a.md", "# A\n\napples")]).await;
    let asks = (0..16).map(|at| {
        let (knowledge, dir) = (house.knowledge.clone(), house.dir.path().to_owned());
        tokio::spawn(async move {
            write(&dir, &format!("{at}.md"), &format!("# T{at}\n\napples and pears{at}"));
            knowledge.search(&format!("pears{at}"), 5).await.unwrap().found.len()
        })
    });
    for ask in asks {
        assert_eq!(ask.await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_folder_that_went_away_is_said() {
    let house = House::of(&[("a.md", "apples")]).await;
    fs::remove_dir_all(house.dir.path().join("docs")).unwrap();
    assert!(matches!(house.knowledge.search("apples", 5).await, Err(KnowledgeError::Folder(_))));
}
