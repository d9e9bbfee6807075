//! What the agents' tools may reach beyond the conversation.

use std::path::{Path, PathBuf};

use super::{ConfigError, DataDir, FetchHosts, Settings};

#[derive(Debug, Clone)]
pub struct ToolsConfig {
    /// Of Markdown files; `None`: there is no knowledge base.
    pub knowledge_dir: Option<PathBuf>,
    pub fetch_hosts: FetchHosts,
}

impl ToolsConfig {
    pub(super) fn of(settings: &Settings, data_dir: &DataDir) -> Result<Self, ConfigError> {
        Ok(Self {
            knowledge_dir: knowledge_dir(settings, data_dir)?,
            fetch_hosts: FetchHosts::of(settings.fetch_hosts()).map_err(|wrong| {
                let takes = "hosts with commas between, such as example.com,*.wikipedia.org,wiki.internal:8080, or *";
                ConfigError::invalid("MAGPIE_FETCH_HOSTS", takes, &wrong)
            })?,
        })
    }
}

fn knowledge_dir(settings: &Settings, data_dir: &DataDir) -> Result<Option<PathBuf>, ConfigError> {
    let Some(dir) = settings.knowledge_dir() else {
        return Ok(Some(data_dir.path().join("knowledge")).filter(|dir| dir.is_dir()));
    };
    if !Path::new(dir).is_dir() {
        return Err(ConfigError::invalid(
            "MAGPIE_KNOWLEDGE_DIR",
            "a folder that exists, with Markdown files in it",
            dir,
        ));
    }
    Ok(Some(dir.into()))
}
