//! What any backend promises, as tests. A backend implements [`Backend`] and names itself in [`conformance!`];
//! each promise is a test of its own, on a storage of its own.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::{sync::mpsc, task::JoinHandle};

use super::{Append, Appended, CommitSink, LoggedFrame, NewConversation, NewUser, Result, Storage, StoredFrame, Write};
use crate::{
    fresh_id,
    protocol::{
        ClientId, ConversationId, DurableFrame, Event, Message, MessageId, Sender, Seq, Side, Timestamp, UserId,
        UserRef, Visibility,
        http::{Kind, User},
        limits::BUS_QUEUE,
        server::Format,
    },
};

pub mod audit;
pub mod canned;
pub mod concurrent;
pub mod conversations;
pub mod desk;
pub mod dialogs;
pub mod fold;
pub mod log;
pub mod messages;
pub mod people;
pub mod runs;
pub mod settings;

/// A place where a backend keeps its data: each `open` of the same place finds what the last one left.
#[async_trait]
pub trait Backend: Send + Sync {
    async fn open(&self, commits: CommitSink) -> Arc<dyn Storage>;
}

/// Makes each promise a test: `conformance!(|| MyBackend::fresh())`.
macro_rules! conformance {
    ($backend:expr) => {
        $crate::server::storage::conformance::conformance!(@ $backend;
            audit: the_oldest_lines_of_the_audit_log_go;
            people: the_first_account_is_the_admin, of_many_first_accounts_one_is_the_admin,
                a_username_is_taken_in_any_case, credentials_are_the_hash_that_was_stored,
                a_patch_changes_only_what_it_names, a_session_lives_until_its_end,
                a_revoked_session_is_unknown, the_sessions_of_one_person_end_together,
                a_disabled_person_has_no_session, another_password_ends_the_other_sessions;
            conversations: founding_members_are_its_first_events, who_is_no_member_sees_nothing,
                unread_counts_what_others_wrote_since, the_list_has_the_newest_event_first,
                the_last_message_is_cut_and_never_a_deleted_one, members_stand_in_the_order_of_joining,
                joining_twice_changes_nothing, leaving_forgets_the_read_position,
                a_read_position_moves_forward_and_no_further_than_the_head,
                reads_name_the_furthest_first, a_conversation_holds_so_many_members,
                a_person_is_in_so_many_conversations, nobody_unknown_becomes_a_member,
                a_conversation_is_founded_once;
            log: an_event_is_read_back_as_it_was_sent, a_page_is_bounded_by_count_and_bytes,
                a_conversation_that_is_not_there_is_not_found, the_sink_has_every_event_in_order,
                everything_is_there_after_a_reopen, a_closed_storage_takes_no_write, health_is_good;
            messages: a_post_is_an_event_and_a_message, a_retry_is_the_same_message,
                a_retry_is_known_after_edit_and_deletion, a_client_id_stands_for_one_text_in_one_conversation,
                two_people_may_use_one_client_id, a_removed_members_writes_are_refused,
                a_reply_names_a_message_of_the_same_conversation, only_the_author_edits,
                an_edit_that_changes_nothing_makes_no_event, the_author_and_moderators_delete,
                deleting_blanks_every_trace_of_the_text, a_result_after_the_deletion_is_blank,
                a_deleted_message_takes_nothing_more, reactions_are_kept_by_emoji_and_person,
                a_message_holds_so_many_kinds_of_reaction, pages_of_messages_go_back_in_time,
                search_finds_messages_with_every_word, search_forgets_edited_and_deleted_text,
                search_takes_any_text, ones_own_post_is_read;
            runs: a_run_is_unfinished_until_its_end, the_timeline_has_the_agents_events_alone,
                a_chart_belongs_to_its_conversation, a_runs_journal_is_read_in_its_order_and_goes_with_its_end,
                a_run_is_found_by_the_message_it_answers, what_a_persons_runs_use_up_is_added_up_by_the_day;
            dialogs: of_two_who_take_a_dialog_the_second_hears_of_the_first,
                an_agents_write_under_an_old_epoch_is_refused_but_for_its_runs_end,
                a_repeated_reply_takes_nothing_again, a_refused_message_changes_no_hands,
                a_visitor_reads_no_note_anywhere, operators_see_every_dialog_and_members_none,
                a_visitor_is_no_account, a_visitor_is_known_by_each_of_their_tokens,
                in_any_order_only_who_holds_the_dialog_writes, a_result_that_repeats_a_note_is_a_notes,
                a_visitor_reads_no_trace_of_a_run;
            desk: a_sites_form_and_its_secret_are_written_apart, an_operators_list_and_the_queue_have_so_many_dialogs,
                of_a_visitors_past_dialogs_so_many_are_told, who_wrote_nothing_and_does_not_come_again_is_forgotten;
            canned: canned_replies_are_replaced_as_a_whole;
            settings: a_setting_is_kept_replaced_and_forgotten;
            concurrent: sixty_four_writers_leave_no_hole, one_message_of_many_retries_at_once,
                a_refused_write_harms_no_other;
            fold: the_log_folds_to_what_is_stored;
        );
    };
    (@ $backend:expr; $($noun:ident: $($promise:ident),* ;)*) => {$(
        mod $noun {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    let backend = $backend;
                    let backend = backend();
                    $crate::server::storage::conformance::$noun::$promise(&backend).await;
                }
            )*
        }
    )*};
}
pub(crate) use conformance;

/// An open storage, and everything that came out of its sink.
pub struct House {
    pub storage: Arc<dyn Storage>,
    told: JoinHandle<Vec<Arc<LoggedFrame>>>,
}

impl House {
    pub async fn open(backend: &dyn Backend) -> Self {
        let (sink, mut frames) = mpsc::channel::<Arc<LoggedFrame>>(BUS_QUEUE);
        let told = tokio::spawn(async move {
            let mut told = Vec::new();
            while let Some(frame) = frames.recv().await {
                told.push(frame);
            }
            told
        });
        Self { storage: backend.open(Arc::new(sink)).await, told }
    }

    /// Closes the storage: all that the sink was given.
    pub async fn close(self) -> Vec<Arc<LoggedFrame>> {
        self.storage.close().await;
        drop(self.storage);
        self.told.await.unwrap()
    }

    pub async fn user(&self, name: &str) -> User {
        self.storage.create_user(new_user(name)).await.unwrap()
    }

    /// A room of these people, the first its creator.
    pub async fn room(&self, members: &[&User]) -> ConversationId {
        let id = fresh_id!(ConversationId);
        self.storage.create_conversation(new_room(id, members)).await.unwrap();
        id
    }

    pub async fn write(&self, conversation_id: ConversationId, write: Write) -> Result<Appended> {
        self.storage.append(Append { conversation_id, at: at(2), write }).await
    }

    pub async fn post(&self, conversation: ConversationId, by: &User, text: &str) -> Message {
        let message = message(by, text);
        self.write(conversation, Write::Post(message.clone())).await.unwrap();
        message
    }

    pub async fn server(&self, conversation: ConversationId, event: Event) -> Appended {
        self.write(conversation, Write::Server(event)).await.unwrap()
    }

    pub async fn all(&self, conversation: ConversationId) -> Vec<DurableFrame> {
        let page = self.storage.events(conversation, Seq::ZERO, u64::MAX, usize::MAX, Side::House).await.unwrap();
        assert_eq!(page.head.0, page.frames.len() as u64, "no hole up to the head");
        page.frames.iter().map(parse).collect()
    }

    pub async fn head(&self, conversation: ConversationId) -> Seq {
        self.storage.events(conversation, Seq::ZERO, 1, usize::MAX, Side::House).await.unwrap().head
    }
}

pub fn parse(stored: &StoredFrame) -> DurableFrame {
    let frame: DurableFrame = serde_json::from_str(&stored.text).unwrap();
    assert_eq!(frame.seq, stored.seq);
    frame
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_ms(1_795_160_350_000 + seconds * 1_000)
}

pub fn new_user(name: &str) -> NewUser {
    NewUser {
        id: fresh_id!(UserId),
        username: name.to_owned(),
        display_name: name.to_uppercase(),
        password_hash: format!("hash of {name}"),
        at: at(0),
    }
}

pub fn new_room(id: ConversationId, members: &[&User]) -> NewConversation {
    NewConversation {
        id,
        title: "Room".to_owned(),
        kind: Kind::Room,
        agents: true,
        creator: members[0].id,
        members: members.iter().map(|user| user.id).collect(),
        at: at(1),
    }
}

pub fn message(by: &User, text: &str) -> Message {
    let id = fresh_id!(MessageId);
    Message {
        id,
        sender: Sender::User,
        author: by.as_ref().into(),
        text: text.to_owned(),
        format: Format::Markdown,
        client_id: Some(ClientId::from(fresh_id!(MessageId))),
        reply_to: None,
        run_id: None,
        visibility: Visibility::Public,
        partial: false,
    }
}

pub fn edit(message: &Message, by: &User, text: &str) -> Write {
    Write::Edit { message_id: message.id, by: by.as_ref(), text: text.to_owned() }
}

pub fn delete(message: &Message, by: &User) -> Write {
    Write::Delete { message_id: message.id, by: by.as_ref(), moderates: false }
}

pub fn react(message: &Message, by: &User, emoji: &str, on: bool) -> Write {
    Write::React { message_id: message.id, by: by.as_ref(), emoji: emoji.to_owned(), on }
}

pub fn names(people: &[UserRef]) -> Vec<&str> {
    people.iter().map(|person| person.name.as_str()).collect()
}
