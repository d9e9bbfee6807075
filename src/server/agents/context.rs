//! What a model is shown of the conversation.

use super::llm::ChatMessage;
use crate::{
    protocol::{ConversationId, Event, Message, Sender, Seq, Side, http::MessageNow, limits},
    server::storage::{self, Storage},
};

/// The newest messages, oldest first, with the question last. What was asked after it is left out: those
/// questions have runs of their own. Where it is answered `again`, so is everything that was said after it.
/// `None`: the question was deleted meanwhile.
pub async fn load(
    storage: &dyn Storage,
    conversation: ConversationId,
    question: &Message,
    again: bool,
) -> storage::Result<Option<Vec<ChatMessage>>> {
    let asked = storage.message(conversation, question.id).await?;
    let Some(asked) = asked.filter(|now| !now.deleted) else { return Ok(None) };
    let seq = asked.frame.seq;
    let messages = before(storage, conversation, seq, again).await?;
    let mut context = Vec::with_capacity(messages.len() + 1);
    let as_it_stands = match &asked.frame.event {
        Event::Message(message) => message,
        _ => question,
    };
    context.push(as_chat(as_it_stands, usize::MAX));
    let mut room = limits::CONTEXT_BYTES;
    for now in messages.iter().rev() {
        let Event::Message(message) = &now.frame.event else { continue };
        let is_later_question = message.sender != Sender::Agent && now.frame.seq > seq;
        if now.deleted || message.id == question.id || is_later_question {
            continue;
        }
        let told = as_chat(message, limits::CONTEXT_MESSAGE_BYTES);
        room = match room.checked_sub(bytes(&told)) {
            Some(room) => room,
            None => break,
        };
        context.push(told);
    }
    context.reverse();
    Ok(Some(context))
}

/// As a visitor sees them: what is not for the visitor's eyes is not for the mouth that speaks to the visitor.
/// The newest page; where the question waited so long that it is not on it, the one before the question.
async fn before(
    storage: &dyn Storage,
    conversation: ConversationId,
    question: Seq,
    again: bool,
) -> storage::Result<Vec<MessageNow>> {
    let until = again.then_some(question);
    let messages = storage.messages(conversation, until, limits::CONTEXT_MESSAGES, Side::Visitor).await?.messages;
    let is_there = messages.first().is_none_or(|first| first.frame.seq <= question);
    match is_there {
        true => Ok(messages),
        false => {
            Ok(storage.messages(conversation, Some(question), limits::CONTEXT_MESSAGES, Side::Visitor).await?.messages)
        }
    }
}

fn as_chat(message: &Message, most: usize) -> ChatMessage {
    let mut text = message.text.clone();
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push_str("\n[The rest of this message is left out: it is too long.]");
    }
    match message.sender {
        Sender::Agent => ChatMessage::Assistant { text, calls: Vec::new() },
        _ => ChatMessage::User { name: message.author.name.clone(), text },
    }
}

fn bytes(message: &ChatMessage) -> usize {
    match message {
        ChatMessage::User { text, .. } | ChatMessage::Assistant { text, .. } | ChatMessage::Tool { text, .. } => {
            text.len()
        }
    }
}
