use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering},
};

use parking_lot::Mutex;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;

/// A web server on loopback: what to do with a connection is told by the path that it asks for.
struct Web {
    addr: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Web {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (addr, connections) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let counted = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, addr));
            }
        });
        Self { addr, connections }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// As the list of hosts has it.
    fn host(&self) -> String {
        self.addr.to_string()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Whoever hangs up before the end is welcome to.
async fn serve(mut stream: TcpStream, addr: SocketAddr) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default();
    let port = addr.port();
    let to = |place: &str| format!("HTTP/1.1 302 Found\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n");
    let html = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n";
    let answer = match path {
        "/page" => format!("{html}content-length: 44\r\n\r\n<title>Page</title><p>Words of the page.</p>"),
        "/again" => to("/page"),
        "/loop" => to("/loop"),
        "/inside" => to(&format!("http://localhost:{port}/page")),
        "/metadata" => to("http://169.254.169.254/latest/meta-data/"),
        "/file" => to("file:///etc/passwd"),
        "/secret" => to(&format!("http://anna:secret@{addr}/page")),
        "/nowhere" => "HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
        "/missing" => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
        "/picture" => "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 3\r\n\r\nPNG".to_owned(),
        "/headers" => format!("HTTP/1.1 200 OK\r\n{}", format!("x: {}\r\n", "y".repeat(1000)).repeat(2_000)),
        "/garbage" => "220 mail.example ESMTP\r\n".to_owned(),
        "/cut" => format!("{html}content-length: 1000\r\n\r\n<p>What came."),
        "/endless" => {
            stream.write_all(format!("{html}\r\n").as_bytes()).await?;
            loop {
                stream.write_all("<p>again and again</p>".repeat(1_000).as_bytes()).await?;
            }
        }
        "/slow" => {
            stream.write_all(format!("{html}\r\n").as_bytes()).await?;
            loop {
                stream.write_all(b".").await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        _ => std::future::pending().await,
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// Answers one list of addresses after the other, and remembers who was asked for.
#[derive(Default)]
struct Names {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    fn of(answers: &[&[&str]]) -> Arc<Self> {
        let answer = |list: &&[&str]| list.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self { answers: Mutex::new(answers.iter().map(answer).collect()), asked: Mutex::default() })
    }
}

#[async_trait]
impl Resolver for Names {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().push(host.to_owned());
        Ok(self.answers.lock().pop_front().unwrap_or_default())
    }
}

async fn fetched(tool: &FetchPage, url: &str) -> Result<String, String> {
    let context = crate::server::agents::tools::tests::context().await;
    let called = tool.call(&context, json!({ "url": url })).await;
    called.map(|output| output.text).map_err(|error| error.to_string())
}

async fn read_with(hosts: &str, url: &str) -> Result<String, String> {
    fetched(&FetchPage::new(FetchHosts::of(hosts).unwrap()), url).await
}

#[tokio::test]
async fn an_allowed_page_is_read() {
    let web = Web::start().await;
    let text = read_with(&web.host(), &web.url("/page")).await.unwrap();
    assert_eq!(text, format!("[Page]({})\n\nWords of the page.", web.url("/page")));
    assert!(read_with(&web.host(), &web.url("/again")).await.unwrap().contains("Words of the page."));
    assert!(read_with(&web.host(), &web.url("/cut")).await.unwrap().contains("What came."));
}

#[tokio::test]
async fn without_hosts_the_tool_says_how_they_are_allowed() {
    let web = Web::start().await;
    assert!(read_with("", &web.url("/page")).await.unwrap_err().contains("MAGPIE_FETCH_HOSTS"));
    assert!(read_with("example.com", &web.url("/page")).await.unwrap_err().contains("MAGPIE_FETCH_HOSTS"));
    assert_eq!(web.connections(), 0);
}

#[tokio::test]
async fn every_public_host_is_not_this_machine() {
    let web = Web::start().await;
    let port = web.addr.port();
    for url in [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0/",
        "http://127.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/",
        "http://10.0.0.1/",
        "http://[fd00:ec2::254]/",
        "http://0177.0.0.1/",
        "http://①②⑦.⓪.⓪.①/",
    ] {
        let error = read_with("*", url).await.unwrap_err();
        assert!(error.contains("no public address"), "{url}: {error}");
    }
    let error = read_with("*", &format!("http://127.0.0.1:{port}/page")).await.unwrap_err();
    assert!(error.contains("no host that this server may read"), "{error}");
    assert_eq!(web.connections(), 0);
}

#[tokio::test]
async fn a_redirect_is_checked_as_the_first_address_was() {
    let web = Web::start().await;
    for (path, why) in [
        ("/inside", "no host that this server may read"),
        ("/metadata", "no host that this server may read"),
        ("/file", "Only http and https"),
        ("/secret", "user name or a password"),
        ("/nowhere", "names no other place"),
        ("/loop", "more than"),
    ] {
        let error = read_with(&web.host(), &web.url(path)).await.unwrap_err();
        assert!(error.contains(why), "{path}: {error}");
    }
    let before = web.connections();
    let both = format!("{},*", web.host());
    for path in ["/inside", "/metadata"] {
        let error = read_with(&both, &web.url(path)).await.unwrap_err();
        assert!(error.contains("no public address") || error.contains("no host"), "{path}: {error}");
    }
    assert_eq!(web.connections(), before + 2, "the redirect alone was asked for");
}

#[tokio::test]
async fn a_name_that_changes_its_address_leads_where_it_was_checked() {
    let web = Web::start().await;
    let port = web.addr.port();
    let hosts = FetchHosts::of(&format!("rebinding.test:{port}")).unwrap();
    let names = Names::of(&[&["127.0.0.1"], &["169.254.169.254"]]);
    let tool = FetchPage::with(hosts, names.clone());
    let url = format!("http://rebinding.test:{port}/page");
    assert!(fetched(&tool, &url).await.unwrap().contains("Words of the page."));
    assert_eq!(*names.asked.lock(), ["rebinding.test"], "asked once, and connected to what was said");
    assert!(fetched(&tool, &url).await.unwrap_err().contains("never read"));
}

#[tokio::test]
async fn one_private_address_among_public_ones_is_enough_to_refuse() {
    for addresses in [&["127.0.0.1"][..], &["1.1.1.1", "10.0.0.1"], &["::ffff:192.168.1.1"], &["64:ff9b::7f00:1"]] {
        let tool = FetchPage::with(FetchHosts::of("*").unwrap(), Names::of(&[addresses]));
        let error = fetched(&tool, "http://somewhere.test/").await.unwrap_err();
        assert!(error.contains("no public address"), "{addresses:?}: {error}");
    }
    let tool = FetchPage::with(FetchHosts::of("*").unwrap(), Names::of(&[]));
    assert!(fetched(&tool, "http://somewhere.test/").await.unwrap_err().contains("no host named"));
}

#[tokio::test]
async fn what_is_no_page_is_said() {
    let web = Web::start().await;
    for (url, why) in [
        (web.url("/missing"), "404"),
        (web.url("/picture"), "image/png"),
        (web.url("/headers"), "does not answer as a web server should"),
        (web.url("/garbage"), "does not answer as a web server should"),
        ("ftp://127.0.0.1/".into(), "Only http and https"),
        ("file:///etc/passwd".into(), "Only http and https"),
        ("not an address".into(), "no address"),
        (format!("http://{}/{}", web.addr, "x".repeat(limits::FETCH_URL_BYTES)), "too long"),
        (format!("http://u:p@{}/page", web.addr), "user name or a password"),
    ] {
        let error = read_with(&web.host(), &url).await.unwrap_err();
        assert!(error.contains(why), "{url:.60}: {error}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = read_with(&closed.to_string(), &format!("http://{closed}/")).await.unwrap_err();
    assert!(error.contains("cannot be reached"), "{error}");
}

#[tokio::test]
async fn an_endless_page_is_read_up_to_its_bound() {
    let web = Web::start().await;
    let text = read_with(&web.host(), &web.url("/endless")).await.unwrap();
    assert!(text.contains("again and again") && text.contains("Part 1 of"), "{text:.80}");
    assert!(text.len() <= limits::FETCH_TEXT_BYTES + limits::FETCH_URL_BYTES);
}

#[tokio::test]
async fn a_page_that_never_ends_in_time_is_given_up() {
    let web = Web::start().await;
    let tool = FetchPage::new(FetchHosts::of(&web.host()).unwrap());
    let context = crate::server::agents::tools::tests::context().await;
    for path in ["/slow", "/silent"] {
        let call = tool.call(&context, json!({ "url": web.url(path) }));
        let mut call = std::pin::pin!(call);
        // Until the answer has begun real time passes, then the clock is wound on.
        assert!(tokio::time::timeout(Duration::from_millis(300), &mut call).await.is_err());
        tokio::time::pause();
        let error = call.await.unwrap_err().to_string();
        tokio::time::resume();
        assert!(error.contains("did not come within"), "{path}: {error}");
    }
}

#[test]
fn this_machine_is_never_public() {
    assert!(!addresses::may_reach(IpAddr::V4(Ipv4Addr::LOCALHOST), crate::server::config::hosts::Reach::Public));
}
