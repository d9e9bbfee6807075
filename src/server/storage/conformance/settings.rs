//! What admins set.

use super::{Backend, House, at};
use crate::server::storage::SettingChange;

fn change(name: &str, value: Option<&[u8]>) -> SettingChange {
    SettingChange { name: name.into(), value: value.map(<[u8]>::to_vec) }
}

pub async fn a_setting_is_kept_replaced_and_forgotten(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let storage = &house.storage;
    assert!(storage.settings().await.unwrap().is_empty());
    let bytes = [0, 255, 10];
    storage.change_settings(&[change("b", Some(&bytes)), change("a", Some(b"one"))], at(1)).await.unwrap();
    let kept = [("a".to_owned(), b"one".to_vec()), ("b".to_owned(), bytes.to_vec())];
    assert_eq!(storage.settings().await.unwrap(), kept);
    let changes = [change("a", Some(b"two")), change("b", None), change("never", None)];
    storage.change_settings(&changes, at(2)).await.unwrap();
    assert_eq!(storage.settings().await.unwrap(), [("a".to_owned(), b"two".to_vec())]);
}
