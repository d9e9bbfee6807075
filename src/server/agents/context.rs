//! What a model is shown of the conversation.

use super::llm::ChatMessage;
use crate::{
    protocol::{ConversationId, Event, Message, Sender, Visibility, limits},
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
    let until = again.then_some(asked.frame.seq);
    let page = storage.messages(conversation, until, limits::CONTEXT_MESSAGES).await?;
    let mut context = Vec::with_capacity(page.messages.len() + 1);
    for now in &page.messages {
        let Event::Message(message) = &now.frame.event else { continue };
        let is_later_question = message.sender != Sender::Agent && now.frame.seq > asked.frame.seq;
        if now.deleted || message.id == question.id || message.visibility == Visibility::Note || is_later_question {
            continue;
        }
        context.push(as_chat(message));
    }
    let as_it_stands = match &asked.frame.event {
        Event::Message(message) => message,
        _ => question,
    };
    context.push(as_chat(as_it_stands));
    Ok(Some(context))
}

fn as_chat(message: &Message) -> ChatMessage {
    match message.sender {
        Sender::Agent => ChatMessage::Assistant { text: message.text.clone(), calls: Vec::new() },
        _ => ChatMessage::User { name: message.author.name.clone(), text: message.text.clone() },
    }
}
