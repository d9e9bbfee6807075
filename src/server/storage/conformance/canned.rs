//! Answers that operators give often.

use super::{Backend, House};
use crate::protocol::desk::Canned;

fn canned(shortcut: &str, text: &str) -> Canned {
    Canned { shortcut: shortcut.into(), text: text.into() }
}

pub async fn canned_replies_are_replaced_as_a_whole(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let storage = &house.storage;
    assert!(storage.canned().await.unwrap().is_empty());
    let first = [canned("hours", "9 to 5"), canned("bye", "Have a nice day, {name}!")];
    storage.put_canned(&first).await.unwrap();
    assert_eq!(storage.canned().await.unwrap(), first, "in the order in which they were given");
    let twice = [canned("a", "1"), canned("a", "2")];
    assert!(storage.put_canned(&twice).await.is_err());
    assert_eq!(storage.canned().await.unwrap(), first, "all of them or none");
    let second = [canned("bye", "Goodbye!")];
    storage.put_canned(&second).await.unwrap();
    assert_eq!(storage.canned().await.unwrap(), second);
}
