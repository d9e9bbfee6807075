use std::ffi::OsString;

use clap::CommandFactory;

use super::*;

fn settings(dir: &tempfile::TempDir) -> Settings {
    Settings::in_dir(dir.path().to_str().unwrap())
}

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn every_setting_has_a_default() {
    let dir = dir();
    let config = Config::new(&settings(&dir)).unwrap();
    assert_eq!(config.server.addr, "127.0.0.1:3000".parse().unwrap());
    assert_eq!(config.storage.database, Database::Sqlite(dir.path().join("magpie.db")));
    assert_eq!(config.auth.registration, Registration::Open);
    assert_eq!(config.limits.rates, RateLimits::On);
    assert_eq!(config.log.filter, "info");
    assert_eq!(config.log.format, LogFormat::Text);
    assert!(!config.is_https());
}

#[test]
fn the_knowledge_base_is_a_folder_that_exists() {
    let dir = dir();
    assert_eq!(Config::new(&settings(&dir)).unwrap().tools.knowledge_dir, None);
    std::fs::create_dir(dir.path().join("knowledge")).unwrap();
    assert_eq!(Config::new(&settings(&dir)).unwrap().tools.knowledge_dir, Some(dir.path().join("knowledge")));
    let mut settings = settings(&dir);
    settings.knowledge_dir = Some(dir.path().join("nowhere").to_str().unwrap().into());
    assert!(Config::new(&settings).unwrap_err().to_string().contains("MAGPIE_KNOWLEDGE_DIR"));
}

#[test]
fn what_tools_may_reach_is_checked_and_never_repeats_a_key() {
    let dir = dir();
    let with = |url: &str, hosts: &str| {
        let mut settings = settings(&dir);
        (settings.market_url, settings.fetch_hosts) = (Some(url.into()), Some(hosts.into()));
        Config::new(&settings)
            .map(|config| config.agents.market.map(|market| market.url))
            .map_err(|error| error.to_string())
    };
    let good = "https://example.com/q?s={symbol}&from={from}&key={key}";
    assert_eq!(with(good, "example.com").unwrap().as_deref(), Some(good));
    for bad in [
        "https://anna:secret@example.com/{symbol}",
        "ftp://x/{symbol}",
        "https://x/{symbol}/{when}",
        "https://x/{symbol}/{",
        "x",
    ] {
        let error = with(bad, "").unwrap_err();
        assert!(error.contains("MAGPIE_MARKET_URL") && !error.contains("secret"), "{error}");
    }
    assert!(with(good, "http://example.com").unwrap_err().contains("MAGPIE_FETCH_HOSTS"));
}

#[test]
fn the_server_listens_where_cargo_leptos_says_unless_told_otherwise() {
    let dir = dir();
    let mut settings = settings(&dir);
    settings.leptos_site_addr = Some("127.0.0.1:4000".into());
    assert_eq!(Config::new(&settings).unwrap().server.addr.port(), 4000);
    settings.addr = Some("0.0.0.0:5000".into());
    assert_eq!(Config::new(&settings).unwrap().server.addr.to_string(), "0.0.0.0:5000");
}

#[test]
fn help_lists_every_variable_with_its_default() {
    let help = Settings::command().render_long_help().to_string();
    for (variable, default) in [
        ("MAGPIE_ADDR", "127.0.0.1:3000"),
        ("MAGPIE_REGISTRATION", "open"),
        ("MAGPIE_DATA_DIR", "./data"),
        ("MAGPIE_DATABASE_URL", "sqlite: in the data directory"),
        ("MAGPIE_JWT_SECRET", "generated once, in the data directory"),
        ("MAGPIE_ALLOWED_ORIGINS", "same origin"),
        ("MAGPIE_RATE_LIMIT", "on"),
        ("MAGPIE_SETTINGS_KEY", "generated once, as settings.key in the data directory"),
        ("MAGPIE_MARKET_URL", "none"),
        ("MAGPIE_MARKET_API_KEY", "none"),
        ("MAGPIE_LLM_PROVIDER", "offline"),
        ("MAGPIE_KNOWLEDGE_DIR", "knowledge in the data directory, where that folder exists"),
        ("MAGPIE_LLM_BASE_URL", "the provider's own; Ollama's http://127.0.0.1:11434"),
        ("MAGPIE_LLM_API_KEY", "none"),
        ("MAGPIE_LLM_MODEL", "none; every provider but offline needs one"),
        ("MAGPIE_FETCH_HOSTS", "none"),
        ("MAGPIE_MARKET_URL", "none"),
        ("MAGPIE_MARKET_API_KEY", "none"),
        ("MAGPIE_PUBLIC_URL", "none"),
        ("MAGPIE_TRUSTED_PROXIES", "none"),
        ("MAGPIE_METRICS_TOKEN", "none, and /metrics answers direct loopback only"),
        ("MAGPIE_AGENTS_FILE", "the built-in team"),
        ("MAGPIE_LOG", "info"),
        ("MAGPIE_LOG_FORMAT", "text"),
    ] {
        assert!(help.contains(&format!("[env: {variable}")), "{variable} in\n{help}");
        let unwrapped = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(unwrapped.contains(&format!("[default: {default}]")), "{default} in\n{help}");
    }
}

#[test]
fn a_wrong_setting_is_named_with_what_it_takes() {
    type Set = fn(&mut Settings, String);
    let cases: [(Set, &str, &str, &str); 16] = [
        (|s, v| s.addr = Some(v), "3000", "MAGPIE_ADDR", "127.0.0.1:3000"),
        (|s, v| s.registration = Some(v), "maybe", "MAGPIE_REGISTRATION", "open or closed"),
        (|s, v| s.rate_limit = Some(v), "0", "MAGPIE_RATE_LIMIT", "on or off"),
        (|s, v| s.allowed_origins = Some(v), "https://a.example, b", "MAGPIE_ALLOWED_ORIGINS", "origin"),
        (|s, v| s.public_url = Some(v), "chat.example", "MAGPIE_PUBLIC_URL", "https://"),
        (|s, v| s.trusted_proxies = Some(v), "10.0.0.0/40", "MAGPIE_TRUSTED_PROXIES", "networks"),
        (
            |s, v| s.database_url = Some(v),
            "postgres://a:b@c/d",
            "MAGPIE_DATABASE_URL",
            "not supported yet by this version",
        ),
        (|s, v| s.database_url = Some(v), "sqlite::memory:", "MAGPIE_DATABASE_URL", "sqlite:PATH"),
        (|s, v| s.llm_provider = Some(v), "openrouter", "MAGPIE_LLM_PROVIDER", "offline, openai, azure"),
        (|s, v| s.llm_provider = Some(v), "openai", "MAGPIE_LLM_API_KEY", "the provider's key"),
        (|s, v| s.llm_provider = Some(v), "ollama", "MAGPIE_LLM_MODEL", "such as llama3.2"),
        (|s, v| s.llm_model = Some(v), "llama3.2", "MAGPIE_LLM_MODEL", "name the provider"),
        (|s, v| s.nats_url = Some(v), "nats://a:b@c", "MAGPIE_NATS_URL", "not supported yet by this version"),
        (|s, v| s.agents_file = Some(v), "no-such.toml", "MAGPIE_AGENTS_FILE", "no-such.toml: cannot be read: "),
        (|s, v| s.log = Some(v), "info,=,", "MAGPIE_LOG", "filter"),
        (|s, v| s.log_format = Some(v), "xml", "MAGPIE_LOG_FORMAT", "text or json"),
    ];
    for (set, value, variable, takes) in cases {
        let dir = dir();
        let mut settings = settings(&dir);
        set(&mut settings, value.to_owned());
        let error = Config::new(&settings).expect_err(value).to_string();
        assert!(error.contains(variable) && error.contains(takes), "{value}: {error}");
        assert!(!error.contains("a:b@c"), "a password is repeated: {error}");
    }
}

#[test]
fn a_variable_set_to_nothing_is_not_set() {
    let dir = dir();
    let mut settings = settings(&dir);
    settings.public_url = Some(String::new());
    settings.rate_limit = Some(" ".into());
    let config = Config::new(&settings).unwrap();
    assert_eq!((config.server.public_url, config.limits.rates), (None, RateLimits::On));
}

#[test]
fn a_secret_is_made_once_for_its_owner_alone() {
    let dir = dir();
    let first = Config::new(&settings(&dir)).unwrap().auth.jwt_secret;
    let second = Config::new(&settings(&dir)).unwrap().auth.jwt_secret;
    assert_eq!(first, second);
    assert_eq!(std::fs::read(dir.path().join("jwt_secret")).unwrap(), first.expose());
    assert_eq!(first.expose().len(), 32);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(dir.path().join("jwt_secret")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[cfg(unix)]
#[test]
fn the_data_directory_is_made_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = dir();
    let inner = dir.path().join("a/b");
    Config::new(&Settings::in_dir(inner.to_str().unwrap())).unwrap();
    assert_eq!(std::fs::metadata(inner).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_given_secret_is_the_key_as_it_is_and_never_empty() {
    let dir = dir();
    let mut settings = settings(&dir);
    settings.jwt_secret = Some("  spaces count ".into());
    assert_eq!(Config::new(&settings).unwrap().auth.jwt_secret.expose(), b"  spaces count ");
    settings.jwt_secret = Some(OsString::new());
    assert!(Config::new(&settings).unwrap_err().to_string().contains("MAGPIE_JWT_SECRET is empty"));
    std::fs::write(dir.path().join("jwt_secret"), "").unwrap();
    settings.jwt_secret = None;
    assert!(Config::new(&settings).unwrap_err().to_string().contains("jwt_secret is empty"));
}

#[test]
fn secrets_are_not_in_debug_output() {
    let dir = dir();
    let mut settings = settings(&dir);
    settings.jwt_secret = Some("sesame".into());
    settings.metrics_token = Some("sesame".into());
    settings.llm_provider = Some("anthropic".into());
    settings.llm_api_key = Some("sesame".into());
    settings.settings_key = Some("sesame".into());
    settings.market_url = Some("https://prices.example".into());
    settings.market_api_key = Some("sesame".into());
    settings.llm_model = Some("m".into());
    let shown = format!("{settings:?} {:?}", Config::new(&settings).unwrap());
    assert!(!shown.contains("sesame") && !shown.contains("115, 101"), "{shown}");
}

#[test]
fn a_second_server_on_the_same_data_dir_is_refused() {
    let dir = dir();
    let config = Config::new(&settings(&dir)).unwrap();
    let lock = config.storage.data_dir.lock().unwrap();
    let error = config.storage.data_dir.lock().unwrap_err();
    assert!(error.to_string().contains("in use by another magpie"), "{error}");
    drop(lock);
    config.storage.data_dir.lock().unwrap();
}
