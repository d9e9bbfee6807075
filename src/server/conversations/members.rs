//! Who is in a conversation, and the frames that tell people's own lists of it.

use super::{Conversations, check, finish::finish};
use crate::{
    fresh_id,
    protocol::{
        ConversationId, EphemeralFrame, Problem, UserId,
        http::{Conversation, ConversationDetail, CreateConversation, Kind, Role, User},
        limits,
        server::{ConversationChanged, ListChange},
    },
    server::{
        accounts::unknown_user,
        clock,
        storage::{Access, NewConversation, Write},
    },
};

/// Visitors have their dialogs, and no rooms.
fn must_have_an_account(caller: &User) -> Result<(), Problem> {
    if caller.role == Role::Visitor { Err(Problem::forbidden("Visitors have no rooms.")) } else { Ok(()) }
}

/// A dialog is its visitor's and every operator's.
fn must_be_a_room(access: &Access) -> Result<(), Problem> {
    match access.kind {
        Kind::Room => Ok(()),
        Kind::Dialog => Err(Problem::forbidden("Nobody is added to a dialog or removed from it.")),
    }
}

impl Conversations {
    /// Everyone in it finds it in their list, the creator's other tabs too.
    pub async fn create(&self, caller: &User, body: CreateConversation) -> Result<ConversationDetail, Problem> {
        must_have_an_account(caller)?;
        self.rates.write(caller.id)?;
        let title = check::title(&body.title)?;
        let members = self.founders(caller, &body.members).await?;
        let new = NewConversation {
            id: fresh_id!(ConversationId),
            title,
            kind: Kind::Room,
            agents: body.agents,
            creator: caller.id,
            members,
            at: clock::now(),
        };
        let this = self.clone();
        let id = new.id;
        finish(async move { this.found(new).await }).await?;
        self.detail(caller, id).await
    }

    /// The caller's own conversation of this id, with agents: made where it is not there yet.
    pub async fn own(&self, caller: &User, id: ConversationId, title: &str) -> Result<(), Problem> {
        if self.storage.access(caller.id, id).await?.is_some() {
            return Ok(());
        }
        must_have_an_account(caller)?;
        self.rates.write(caller.id)?;
        let new = NewConversation {
            id,
            title: check::title(title)?,
            kind: Kind::Room,
            agents: true,
            creator: caller.id,
            members: vec![caller.id],
            at: clock::now(),
        };
        let this = self.clone();
        let made = finish(async move { this.found(new).await }).await;
        match self.storage.access(caller.id, id).await? {
            // Somebody else, in the name of the same person, was faster.
            Some(_) => Ok(()),
            None => made.and(Err(Problem::not_found())),
        }
    }

    async fn found(&self, new: NewConversation) -> Result<(), Problem> {
        let (id, members) = (new.id, new.members.clone());
        self.storage.create_conversation(new).await?;
        for member in members {
            self.tell_added(member, id).await?;
        }
        Ok(())
    }

    /// The creator first, then each of the named ones once.
    async fn founders(&self, caller: &User, usernames: &[String]) -> Result<Vec<UserId>, Problem> {
        if usernames.len() >= limits::MEMBERS_PER_CONVERSATION {
            let most = limits::MEMBERS_PER_CONVERSATION - 1;
            return Err(Problem::invalid("members", format!("at most {most} besides yourself")));
        }
        let mut members = vec![caller.id];
        for username in usernames {
            let user = self.person(username).await?;
            if !members.contains(&user.id) {
                members.push(user.id);
            }
        }
        Ok(members)
    }

    /// Any member may. Adding somebody who is in it already changes nothing.
    pub async fn add_member(&self, caller: &User, id: ConversationId, username: &str) -> Result<(), Problem> {
        must_be_a_room(&self.writable(caller, id).await?)?;
        let user = self.person(username).await?;
        let this = self.clone();
        finish(async move {
            let joined = this.append(id, Write::Join { user: user.as_ref() }).await?;
            if joined.changed { this.tell_added(user.id, id).await } else { Ok(()) }
        })
        .await
    }

    /// Oneself, always; others by who made the conversation, or an admin who is in it.
    pub async fn remove_member(&self, caller: &User, id: ConversationId, username: &str) -> Result<(), Problem> {
        let access = self.writable(caller, id).await?;
        must_be_a_room(&access)?;
        let user = self.storage.user_by_name(username.trim()).await?.ok_or_else(Problem::not_found)?;
        if user.id != caller.id && access.creator != caller.id && caller.role != Role::Admin {
            return Err(Problem::forbidden("Only who made this conversation, or an admin, may remove others."));
        }
        // Their own view of it, which is gone a moment later.
        let view = self.storage.conversation_of(user.id, id).await?.ok_or_else(Problem::not_found)?;
        let this = self.clone();
        finish(async move {
            this.append(id, Write::Leave { user: user.as_ref() }).await?;
            this.tell_list(user.id, view, ListChange::Removed).await;
            Ok(())
        })
        .await
    }

    /// Somebody who can be added: there, and not disabled.
    async fn person(&self, username: &str) -> Result<User, Problem> {
        let user = self.storage.user_by_name(username.trim()).await?;
        user.filter(|user| !user.disabled).ok_or_else(|| unknown_user(username))
    }

    async fn tell_added(&self, user: UserId, id: ConversationId) -> Result<(), Problem> {
        // Somebody may have removed them meanwhile; then there is nothing to tell.
        if let Some(view) = self.storage.conversation_of(user, id).await? {
            self.tell_list(user, view, ListChange::Added).await;
        }
        Ok(())
    }

    async fn tell_list(&self, user: UserId, conversation: Conversation, change: ListChange) {
        self.tell(user, &EphemeralFrame::Conversation(ConversationChanged { conversation, change })).await;
    }
}
