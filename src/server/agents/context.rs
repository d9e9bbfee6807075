//! What a model is shown of the conversation.

use super::llm::ChatMessage;
use crate::{
    protocol::{ConversationId, Event, Message, Sender, Visibility, limits},
    server::storage::{self, Storage},
};

/// The newest messages, oldest first, with the question last. What was asked after it is left out: those
/// questions have runs of their own. `None`: the question was deleted meanwhile.
pub async fn load(
    storage: &dyn Storage,
    conversation: ConversationId,
    question: &Message,
) -> storage::Result<Option<Vec<ChatMessage>>> {
    let page = storage.messages(conversation, None, limits::CONTEXT_MESSAGES).await?;
    let asked = page.messages.iter().find_map(|now| match &now.frame.event {
        Event::Message(message) if message.id == question.id => Some((now.frame.seq, now.deleted, message)),
        _ => None,
    });
    if asked.is_some_and(|(_, deleted, _)| deleted) {
        return Ok(None);
    }
    let mut context = Vec::with_capacity(page.messages.len() + 1);
    for now in &page.messages {
        let Event::Message(message) = &now.frame.event else { continue };
        let is_later_question = message.sender != Sender::Agent && asked.is_some_and(|(seq, _, _)| now.frame.seq > seq);
        if now.deleted || message.id == question.id || message.visibility == Visibility::Note || is_later_question {
            continue;
        }
        context.push(as_chat(message));
    }
    context.push(as_chat(asked.map_or(question, |(_, _, as_it_stands)| as_it_stands)));
    Ok(Some(context))
}

fn as_chat(message: &Message) -> ChatMessage {
    match message.sender {
        Sender::Agent => ChatMessage::Assistant { text: message.text.clone(), calls: Vec::new() },
        _ => ChatMessage::User { name: message.author.name.clone(), text: message.text.clone() },
    }
}
