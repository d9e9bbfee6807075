//! The pages of the settings that the server describes: `/settings/connections`, `/settings/broadcast`,
//! `/settings/audit`, `/settings/webhooks`, `/settings/deliveries`.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::hooks::{use_location, use_query_map};

use super::{form_section, nav::SettingsNav, notice_line, table::TableView};
use crate::{
    api,
    protocol::sheet::{Sheet, Table},
    ui::{
        components::{alert::Alert, pane::BackLink},
        pages::home::Failure,
    },
};

/// What an address asks for: the page, `before`, `webhook`.
type Asked = (String, String, String);

#[component]
pub fn AdminPage() -> impl IntoView {
    let (path, query) = (use_location().pathname, use_query_map());
    // Whoever goes elsewhere asks for nothing more here.
    let asked = Memo::new(move |before: Option<&Asked>| match path.read().strip_prefix("/settings/") {
        Some(page) => {
            let query = query.read();
            if page == "deliveries" && query.get("webhook").is_none() {
                // The rest of the address comes a moment later.
                return before.cloned().unwrap_or_default();
            }
            (page.to_owned(), query.get("before").unwrap_or_default(), query.get("webhook").unwrap_or_default())
        }
        None => before.cloned().unwrap_or_default(),
    });
    let sheet = Resource::new(move || asked.get(), load);
    view! {
        <main class="pane settings" id="main" tabindex="-1">
            <header class="thread-head">
                <BackLink href="/settings" label="Back to settings" />
                <p class="name">"Settings"</p>
            </header>
            <div class="settings-inner wide">
                <SettingsNav />
                <Suspense>
                    {move || Suspend::new(async move {
                        match sheet.await {
                            Ok(sheet) => view! { <SheetView sheet asked=asked.get_untracked() /> }.into_any(),
                            Err(error) => view! { <Failure error /> }.into_any(),
                        }
                    })}
                </Suspense>
            </div>
        </main>
    }
}

async fn load((page, before, webhook): Asked) -> Result<Sheet, api::ApiError> {
    api::admin::load_sheet(page, before, webhook).await
}

#[component]
fn SheetView(sheet: Sheet, asked: Asked) -> impl IntoView {
    let Sheet { title, note, notice, forms, tables, refresh_ms } = sheet;
    let tables = RwSignal::new(tables);
    let failure = RwSignal::new(None::<String>);
    refresh(tables, failure, asked, refresh_ms);
    let places = 0..tables.with_untracked(Vec::len);
    view! {
        <Title text=title.clone() />
        <h1>{title}</h1>
        <p class="hint">{note}</p>
        {notice.map(notice_line)}
        <Alert text=failure />
        {places.map(|place| view! { <TableView table=of(tables, place) /> }).collect_view()}
        {forms.into_iter().map(form_section).collect_view()}
    }
}

fn of(tables: RwSignal<Vec<Table>>, place: usize) -> Signal<Table> {
    Signal::derive(move || tables.read().get(place).cloned().unwrap_or_default())
}

/// Asks for the tables again every `ms` while the page is looked at.
fn refresh(tables: RwSignal<Vec<Table>>, failure: RwSignal<Option<String>>, asked: Asked, ms: u32) {
    Effect::new(move |_| {
        if ms == 0 {
            return;
        }
        let asked = asked.clone();
        let look = move || {
            if document().hidden() {
                return;
            }
            let asked = asked.clone();
            spawn_local(async move {
                // Where it cannot be read, what is shown stays, and is said to be old.
                match load(asked).await {
                    Ok(sheet) => {
                        tables.try_set(sheet.tables);
                        if failure.try_read_untracked().is_some_and(|failure| failure.is_some()) {
                            failure.try_set(None);
                        }
                    }
                    Err(error) => {
                        let text = ["This may be out of date. ", &error.detail].concat();
                        if failure.try_read_untracked().is_some_and(|failure| failure.as_ref() != Some(&text)) {
                            failure.try_set(Some(text));
                        }
                    }
                }
            });
        };
        if let Ok(handle) = set_interval_with_handle(look, Duration::from_millis(ms.into())) {
            on_cleanup(move || handle.clear());
        }
    });
}
