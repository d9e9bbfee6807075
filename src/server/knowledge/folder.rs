//! Which files the folder has.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use crate::protocol::limits;

/// A Markdown file, and by what one sees that it changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// From the folder, with `/` between.
    pub path: String,
    pub file: PathBuf,
    pub size: i64,
    pub modified_ns: i64,
}

/// Every Markdown file below `root`, in the order of the paths. Hidden files and folders are none; a link counts
/// where it leads to a file inside (so mount some container platforms their volumes), a linked folder never.
pub(super) fn walk(root: &Path) -> io::Result<Vec<Seen>> {
    let root = root.canonicalize()?;
    let mut found = Vec::new();
    let mut bytes = 0;
    let mut open = vec![(root.clone(), 0)];
    while let Some((folder, depth)) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let (file, name) = (entry.path(), entry.file_name());
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
            if entry.file_type()?.is_dir() {
                if depth < limits::KNOWLEDGE_DEPTH {
                    open.push((file, depth + 1));
                }
            } else if is_markdown(name)
                && let Some(seen) = seen(&root, file)
            {
                found.push(seen);
            }
        }
        if found.len() > 2 * limits::KNOWLEDGE_FILES {
            break;
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let fits = |seen: &Seen| {
        bytes += usize::try_from(seen.size).unwrap_or(usize::MAX);
        bytes <= limits::KNOWLEDGE_BYTES
    };
    let many = found.len();
    let kept: Vec<Seen> = found.into_iter().take(limits::KNOWLEDGE_FILES).take_while(fits).collect();
    if kept.len() < many {
        let (files, bytes) = (limits::KNOWLEDGE_FILES, limits::KNOWLEDGE_BYTES);
        tracing::warn!(kept = kept.len(), files, bytes, "the knowledge folder is too large: the rest is left out");
    }
    Ok(kept)
}

fn is_markdown(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    extension
        .is_some_and(|extension| extension.eq_ignore_ascii_case("md") || extension.eq_ignore_ascii_case("markdown"))
}

/// `None`: gone meanwhile, no file, outside, or too large.
fn seen(root: &Path, file: PathBuf) -> Option<Seen> {
    let real = file.canonicalize().ok().filter(|real| real.starts_with(root))?;
    let about = fs::metadata(&real).ok().filter(fs::Metadata::is_file)?;
    if about.len() > limits::KNOWLEDGE_FILE_BYTES {
        tracing::debug!(file = %file.display(), "left out of the knowledge base: too large");
        return None;
    }
    let path = file.strip_prefix(root).ok()?.to_str()?.replace('\\', "/");
    let modified = about.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(Seen {
        path,
        file: real,
        size: i64::try_from(about.len()).ok()?,
        modified_ns: i64::try_from(modified.as_nanos()).unwrap_or(i64::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(root: &Path) -> Vec<String> {
        walk(root).expect("a folder").into_iter().map(|seen| seen.path).collect()
    }

    #[test]
    fn markdown_files_are_found_and_nothing_hidden_linked_out_or_too_large() {
        let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = dir.path();
        fs::create_dir_all(root.join("guides/.git")).unwrap();
        for file in ["b.md", "guides/a.MD", "guides/.git/x.md", ".hidden.md", "notes.txt", "c.markdown"] {
            fs::write(root.join(file), "text").unwrap();
        }
        fs::write(outside.path().join("secret.md"), "secret").unwrap();
        fs::write(root.join("large.md"), vec![b'x'; usize::try_from(limits::KNOWLEDGE_FILE_BYTES).unwrap() + 1])
            .unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret.md"), root.join("out.md")).unwrap();
        std::os::unix::fs::symlink(outside.path(), root.join("folder")).unwrap();
        std::os::unix::fs::symlink(root.join("b.md"), root.join("linked.md")).unwrap();
        assert_eq!(paths(root), ["b.md", "c.markdown", "guides/a.MD", "linked.md"]);
    }

    #[test]
    fn a_folder_is_read_to_a_depth_and_a_number_of_files() {
        let dir = tempfile::tempdir().unwrap();
        let mut folder = dir.path().to_owned();
        for _ in 0..limits::KNOWLEDGE_DEPTH + 2 {
            folder.push("d");
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("x.md"), "x").unwrap();
        }
        assert_eq!(paths(dir.path()).len(), limits::KNOWLEDGE_DEPTH);
        for at in 0..limits::KNOWLEDGE_FILES + 3 {
            fs::write(dir.path().join(format!("{at}.md")), "").unwrap();
        }
        assert_eq!(paths(dir.path()).len(), limits::KNOWLEDGE_FILES);
    }
}
