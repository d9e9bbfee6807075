//! Accounts and sessions.

use super::{Backend, House, at, new_user};
use crate::{
    fresh_id,
    protocol::{SessionId, UserId, http::Role},
    server::storage::StorageError,
};

pub async fn the_first_account_is_the_admin(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, ben) = (house.user("anna").await, house.user("ben").await);
    assert_eq!((anna.role, ben.role), (Role::Admin, Role::Member));
    assert_eq!((anna.username.as_str(), anna.display_name.as_str(), anna.disabled), ("anna", "ANNA", false));
    assert_eq!(house.storage.users().await.unwrap(), [anna, ben]);
}

pub async fn of_many_first_accounts_one_is_the_admin(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let all = (0..16).map(|i| {
        let storage = house.storage.clone();
        tokio::spawn(async move { storage.create_user(new_user(&format!("user{i}"))).await.unwrap().role })
    });
    let roles = futures_util::future::join_all(all).await;
    let admins = roles.iter().filter(|role| *role.as_ref().unwrap() == Role::Admin).count();
    assert_eq!((roles.len(), admins), (16, 1));
}

pub async fn a_username_is_taken_in_any_case(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("Änna").await;
    let again = house.storage.create_user(new_user("äNNA")).await;
    assert!(matches!(again, Err(StorageError::UsernameTaken)));
    assert_eq!(house.storage.user_by_name("änna").await.unwrap(), Some(anna));
    assert_eq!(house.storage.user_by_name("nobody").await.unwrap(), None);
}

pub async fn credentials_are_the_hash_that_was_stored(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let found = house.storage.credentials("ANNA").await.unwrap();
    assert_eq!(found, Some((anna, "hash of anna".to_owned())));
    assert_eq!(house.storage.credentials("nobody").await.unwrap(), None);
}

pub async fn a_patch_changes_only_what_it_names(backend: &dyn Backend) {
    let house = House::open(backend).await;
    house.user("anna").await;
    let mut ben = house.user("ben").await;
    ben.role = Role::Operator;
    let patched = house.storage.patch_user("Ben", Some(Role::Operator), None).await.unwrap();
    assert_eq!(patched.as_ref(), Some(&ben));
    ben.disabled = true;
    assert_eq!(house.storage.patch_user("ben", None, Some(true)).await.unwrap().as_ref(), Some(&ben));
    assert_eq!(house.storage.user_by_name("ben").await.unwrap(), Some(ben));
    assert_eq!(house.storage.patch_user("nobody", None, None).await.unwrap(), None);
}

pub async fn a_session_lives_until_its_end(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, id) = (house.user("anna").await, fresh_id!(SessionId));
    house.storage.create_session(id, anna.id, at(0), at(60)).await.unwrap();
    let session = house.storage.session(id, at(59)).await.unwrap().unwrap();
    assert_eq!((session.id, session.user, session.expires_at), (id, anna, at(60)));
    assert_eq!(house.storage.session(id, at(60)).await.unwrap(), None);
    assert_eq!(house.storage.session(fresh_id!(SessionId), at(1)).await.unwrap(), None);
}

pub async fn a_revoked_session_is_unknown(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let (gone, stays) = (session(&house, anna.id).await, session(&house, anna.id).await);
    house.storage.revoke_session(gone).await.unwrap();
    house.storage.revoke_session(gone).await.unwrap();
    assert_eq!(house.storage.session(gone, at(1)).await.unwrap(), None);
    assert!(house.storage.session(stays, at(1)).await.unwrap().is_some());
}

pub async fn the_sessions_of_one_person_end_together(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, ben) = (house.user("anna").await, house.user("ben").await);
    let of_anna = [session(&house, anna.id).await, session(&house, anna.id).await];
    let of_ben = session(&house, ben.id).await;
    house.storage.revoke_sessions_of(anna.id).await.unwrap();
    for id in of_anna {
        assert_eq!(house.storage.session(id, at(1)).await.unwrap(), None);
    }
    assert!(house.storage.session(of_ben, at(1)).await.unwrap().is_some());
}

pub async fn another_password_ends_the_other_sessions(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, ben) = (house.user("anna").await, house.user("ben").await);
    let (here, elsewhere) = (session(&house, anna.id).await, session(&house, anna.id).await);
    let of_ben = session(&house, ben.id).await;
    let lives = async |id| house.storage.session(id, at(1)).await.unwrap().is_some();
    house.storage.set_password(anna.id, "another hash".into(), Some(here)).await.unwrap();
    assert_eq!((lives(here).await, lives(elsewhere).await, lives(of_ben).await), (true, false, true));
    let (_, hash) = house.storage.credentials("anna").await.unwrap().unwrap();
    assert_eq!(hash, "another hash");
    house.storage.set_password(anna.id, "a third".into(), None).await.unwrap();
    assert_eq!((lives(here).await, lives(of_ben).await), (false, true));
    assert_eq!(house.storage.credentials("ben").await.unwrap().unwrap().1, "hash of ben");
}

pub async fn a_disabled_person_has_no_session(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let id = session(&house, anna.id).await;
    house.storage.patch_user("anna", None, Some(true)).await.unwrap();
    assert_eq!(house.storage.session(id, at(1)).await.unwrap(), None);
    house.storage.patch_user("anna", None, Some(false)).await.unwrap();
    assert!(house.storage.session(id, at(1)).await.unwrap().is_some());
}

async fn session(house: &House, user: UserId) -> SessionId {
    let id = fresh_id!(SessionId);
    house.storage.create_session(id, user, at(0), at(60)).await.unwrap();
    id
}
