//! What only the inside can see: that no answer's cost tells whether a name exists.

use std::net::Ipv4Addr;

use tokio::sync::mpsc;

use super::*;
use crate::server::{
    bus::{Deliver, in_process::InProcessBus},
    config::Settings,
    storage::{LoggedFrame, sqlite::SqliteStorage},
};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

struct Nobody;

impl Deliver for Nobody {
    fn foresee(&self, _: &LoggedFrame) {}

    fn deliver(&self, _: BusMessage) {}
}

async fn accounts(dir: &tempfile::TempDir, change: impl FnOnce(&mut Settings)) -> Accounts {
    let mut settings = Settings::in_dir(dir.path().to_str().unwrap());
    change(&mut settings);
    let config = Arc::new(Config::new(&settings).unwrap());
    let (commits, _committed) = mpsc::channel(limits::BUS_QUEUE);
    let storage = SqliteStorage::open(&config.storage.data_dir.database(), Arc::new(commits)).await.unwrap();
    let rates = Rates::new(&config.limits);
    Accounts::new(config, Arc::new(storage), Arc::new(InProcessBus::start(Arc::new(Nobody))), rates)
}

fn registration(username: &str) -> Register {
    Register { username: username.into(), password: "correct horse".into(), display_name: None }
}

fn credentials(username: &str, password: &str) -> Login {
    Login { username: username.into(), password: password.into() }
}

#[tokio::test]
async fn every_refused_sign_in_costs_one_verification_and_gets_the_same_words() {
    let dir = tempfile::tempdir().unwrap();
    let accounts = accounts(&dir, |_| {}).await;
    let root = accounts.register(HERE, None, registration("root")).await.unwrap().signed_in.user;
    accounts.register(HERE, None, registration("anna")).await.unwrap();
    accounts.register(HERE, None, registration("ben")).await.unwrap();
    let disabled = PatchUser { role: None, disabled: Some(true) };
    accounts.patch_user(&root, "ben", disabled).await.unwrap();
    let mut refusals = Vec::new();
    for body in [
        credentials("anna", "wrong horse"),
        credentials("nobody", "correct horse"),
        credentials("ben", "correct horse"),
    ] {
        let before = accounts.passwords().verifications();
        refusals.push(accounts.login(HERE, body).await.unwrap_err());
        assert_eq!(accounts.passwords().verifications() - before, 1);
    }
    assert_eq!(refusals[0].code, Code::BadCredentials);
    assert!(refusals.iter().all(|refusal| *refusal == refusals[0]), "{refusals:?}");
}

#[tokio::test]
async fn of_many_first_registrations_at_once_on_a_closed_server_one_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let accounts = accounts(&dir, |settings| settings.registration = Some("closed".into())).await;
    let names = ["anna", "ben", "carla", "dora"];
    let tries = names.map(|name| accounts.register(HERE, None, registration(name)));
    let (taken, refused): (Vec<_>, Vec<_>) =
        futures_util::future::join_all(tries).await.into_iter().partition(Result::is_ok);
    assert_eq!((taken.len(), refused.len()), (1, 3));
    assert_eq!(taken.into_iter().next().unwrap().unwrap().signed_in.user.role, Role::Admin);
    assert!(refused.into_iter().all(|refusal| refusal.unwrap_err().code == Code::RegistrationClosed));
}

#[tokio::test]
async fn two_admins_who_demote_each_other_at_once_leave_one() {
    let dir = tempfile::tempdir().unwrap();
    let accounts = accounts(&dir, |_| {}).await;
    let anna = accounts.register(HERE, None, registration("anna")).await.unwrap().signed_in.user;
    accounts.register(HERE, None, registration("ben")).await.unwrap();
    let admin = PatchUser { role: Some(Role::Admin), disabled: None };
    let ben = accounts.patch_user(&anna, "ben", admin).await.unwrap();
    let member = || PatchUser { role: Some(Role::Member), disabled: None };
    let (first, second) =
        tokio::join!(accounts.patch_user(&anna, "ben", member()), accounts.patch_user(&ben, "anna", member()));
    assert_eq!([first, second].iter().filter(|result| result.is_ok()).count(), 1);
}

#[tokio::test]
async fn a_cookie_is_renewed_in_the_second_half_of_its_token() {
    let dir = tempfile::tempdir().unwrap();
    let accounts = accounts(&dir, |_| {}).await;
    let grant = accounts.register(HERE, None, registration("anna")).await.unwrap();
    assert!(accounts.renew(&grant.signed_in.token).await.is_none(), "a fresh token needs nothing");
    let caller = accounts.caller(&grant.signed_in.token).await.unwrap();
    for age_ms in [limits::TOKEN_LIFETIME_MS / 2 + 1_000, limits::TOKEN_LIFETIME_MS * 2] {
        let then = Timestamp::from_ms(clock::now().as_ms() - age_ms);
        let (old, _) = accounts.tokens.issue(caller.user.id, caller.session_id, Role::Member, then).unwrap();
        let (renewed, grant) = accounts.renew(&old).await.unwrap();
        assert_eq!((renewed.session_id, &renewed.user), (caller.session_id, &caller.user));
        assert_eq!(accounts.caller(&grant.signed_in.token).await.unwrap().session_id, caller.session_id);
    }
    accounts.logout(&grant.signed_in.token).await.unwrap();
    let long_ago = Timestamp::from_ms(clock::now().as_ms() - limits::TOKEN_LIFETIME_MS * 2);
    let (old, _) = accounts.tokens.issue(caller.user.id, caller.session_id, Role::Member, long_ago).unwrap();
    assert!(accounts.renew(&old).await.is_none(), "the session is over");
}
