//! What lets the app open without a network: the service worker's script with the build that it is to keep.
//! The shell that the worker shows is a page of [`crate::server::router`]; what it does is in `public/sw.js`.

use std::{
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use axum::{
    extract::{OriginalUri, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use leptos::prelude::LeptosOptions;
use sha2::{Digest, Sha256};

use super::error;
use crate::protocol::{Code, Problem};

const WORKER: &str = "sw.js";
/// Beside the packed files: what the shell needs.
const ASSETS: [&str; 2] = ["persist.js", "favicon.svg"];
/// Parts of the app that nobody opens without a network: they belong to the build, and no browser keeps them.
const ONLINE_ALONE: [&str; 2] = ["/split_operator.wasm", "/split_widget.wasm"];

/// The files of the site that the shell is made of, and the name of the build that they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    pub id: String,
    /// Its files, as paths in the site's folder.
    names: Vec<String>,
    /// The worker's script, ready to be served.
    worker: String,
}

/// The build that lies in the site's folder. It is read again when a file there is another: `cargo leptos watch`
/// changes them under a running server.
#[derive(Clone)]
pub struct Builds {
    root: PathBuf,
    pkg: String,
    last: Arc<Mutex<Option<Read>>>,
}

/// What was read last, and when it was so.
type Read = (Vec<Stamp>, Arc<Build>);

/// By which a file is known to be the one that was read.
type Stamp = (String, u64, SystemTime);

impl Builds {
    pub fn new(options: &LeptosOptions) -> Self {
        Self { root: (*options.site_root).into(), pkg: options.site_pkg_dir.to_string(), last: Arc::default() }
    }

    pub async fn current(&self) -> Result<Arc<Build>, Problem> {
        let this = self.clone();
        let read = tokio::task::spawn_blocking(move || this.read()).await;
        match read {
            Ok(Ok(build)) => Ok(build),
            Ok(Err(failure)) => Err(error::internal("the site's files cannot be read", &failure)),
            Err(failure) => Err(error::internal("the site's files were not read", &failure)),
        }
    }

    /// The same for who does without: where no build can be read, `/pkg` serves what there is.
    pub async fn readable(&self) -> Option<Arc<Build>> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || this.read()).await.ok()?.ok()
    }

    fn read(&self) -> io::Result<Arc<Build>> {
        let stamps = self.stamps()?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, build)) = &*last
            && *known == stamps
        {
            return Ok(build.clone());
        }
        let names = stamps.iter().map(|(name, ..)| name.clone()).collect();
        let build = Arc::new(Build::read(&self.root, names)?);
        *last = Some((stamps, build.clone()));
        Ok(build)
    }

    /// The worker first, then the files, each by its path in the site.
    fn stamps(&self) -> io::Result<Vec<Stamp>> {
        let mut names: Vec<String> = ASSETS.iter().map(|name| (*name).to_owned()).collect();
        list(&self.root, &self.pkg, &mut names)?;
        names.sort();
        names.insert(0, WORKER.to_owned());
        let stamp = |name: String| {
            let about = fs::metadata(self.root.join(&name))?;
            Ok((name, about.len(), about.modified()?))
        };
        names.into_iter().map(stamp).collect()
    }
}

/// What a browser loads from this folder: not the copies that are compressed ahead of time.
fn list(root: &Path, folder: &str, names: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            list(root, &name, names)?;
        } else if ["js", "wasm", "css"].iter().any(|kind| name.ends_with(&format!(".{kind}"))) {
            names.push(name);
        }
    }
    Ok(())
}

impl Build {
    fn read(root: &Path, names: Vec<String>) -> io::Result<Self> {
        let mut whole = Sha256::new();
        let mut files = serde_json::Map::new();
        for name in &names {
            let hash = hex(&Sha256::digest(fs::read(root.join(name))?));
            whole.update(format!("{name} {hash}\n"));
            if name != WORKER && !ONLINE_ALONE.iter().any(|part| name.ends_with(part)) {
                files.insert(format!("/{name}"), hash.into());
            }
        }
        whole.update(env!("CARGO_PKG_VERSION"));
        let id = hex(&whole.finalize())[..16].to_owned();
        let script = fs::read_to_string(root.join(WORKER))?;
        let files = serde_json::Value::Object(files);
        let worker = format!("const BUILD = \"{id}\";\nconst FILES = {files};\n{script}");
        Ok(Self { id, names, worker })
    }

    /// Where the worker keeps this build, as a path of the site.
    pub fn root(&self) -> String {
        format!("/shell/{}", self.id)
    }

    /// The path of this file of the site's folder, if the build has it.
    pub fn path(&self, file: &str) -> Option<String> {
        self.names.iter().any(|name| name == file).then(|| format!("{}/{file}", self.root()))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Below `/shell/{build}/`: the files of the build that lies in the site's folder and of no other. A page that was
/// opened before an update must not get a part of the one after it.
pub(super) async fn this_build(
    State(builds): State<Builds>,
    OriginalUri(asked): OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    let path = builds.readable().await.and_then(|build| asked.path().strip_prefix(&build.root()).map(str::to_owned));
    match path {
        Some(path) if path.starts_with('/') => next.run(request).await,
        _ => Problem::new(Code::NotFound, "This build is not here any more. Load the page anew.").into_response(),
    }
}

/// `GET /sw.js`. Asked for again on every visit: a new build is a new script. It may load our own files alone.
pub(super) async fn worker(State(builds): State<Builds>) -> Result<impl IntoResponse, Problem> {
    let build = builds.current().await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; script-src 'self'; connect-src 'self'"),
        ),
    ];
    Ok((StatusCode::OK, headers, build.worker.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> (tempfile::TempDir, Builds) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("pkg/snippets")).unwrap();
        for (name, text) in [
            ("sw.js", "// the worker"),
            ("persist.js", "p"),
            ("favicon.svg", "f"),
            ("pkg/magpie.js", "j"),
            ("pkg/magpie.wasm", "w"),
            ("pkg/magpie.wasm.br", "b"),
            ("pkg/split_operator.wasm", "o"),
            ("pkg/snippets/one.js", "s"),
        ] {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let builds = Builds { root: dir.path().into(), pkg: "pkg".into(), last: Arc::default() };
        (dir, builds)
    }

    #[test]
    fn the_worker_knows_each_file_by_its_hash_and_no_compressed_copy() {
        let (_dir, builds) = site();
        let build = builds.read().unwrap();
        let lines: Vec<_> = build.worker.lines().collect();
        assert_eq!(lines[0], format!("const BUILD = \"{}\";", build.id));
        let files = lines[1].strip_prefix("const FILES = ").unwrap().strip_suffix(';').unwrap();
        let files: serde_json::Map<String, serde_json::Value> = serde_json::from_str(files).unwrap();
        let names: Vec<_> = files.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["/favicon.svg", "/persist.js", "/pkg/magpie.js", "/pkg/magpie.wasm", "/pkg/snippets/one.js"]
        );
        // printf j | sha256sum
        assert_eq!(files["/pkg/magpie.js"], "189f40034be7a199f1fa9891668ee3ab6049f82d38c68be70f596eab2e1857b7");
        assert_eq!(lines[2], "// the worker");
    }

    #[test]
    fn a_changed_file_is_another_build_and_an_unchanged_one_is_not_read_again() {
        let (dir, builds) = site();
        let first = builds.read().unwrap();
        assert!(Arc::ptr_eq(&first, &builds.read().unwrap()));
        for (name, text) in [("pkg/magpie.wasm", "other"), ("sw.js", "// another worker")] {
            let before = builds.read().unwrap().id.clone();
            fs::write(dir.path().join(name), text).unwrap();
            assert_ne!(builds.read().unwrap().id, before, "{name}");
        }
    }

    #[test]
    fn a_site_without_its_files_is_a_problem_and_no_panic() {
        let builds = Builds { root: "/nowhere".into(), pkg: "pkg".into(), last: Arc::default() };
        assert!(builds.read().is_err());
    }
}
