-- Dialogs in which nobody said anything yet: whoever begins to look for those that nobody will goes through no others.
CREATE INDEX conversations_silent ON conversations (id) WHERE kind = 'dialog' AND head <= 1;
