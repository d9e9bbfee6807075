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
        components::icon::{BACK, Icon},
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
                <a class="icon-button back-link" href="/settings" aria-label="Back to settings">
                    <Icon d=BACK />
                </a>
                <SettingsNav />
            </header>
            <div class="settings-inner wide">
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
    refresh(tables, asked, refresh_ms);
    let places = 0..tables.with_untracked(Vec::len);
    view! {
        <Title text=title.clone() />
        <h1>{title}</h1>
        <p class="hint">{note}</p>
        {notice.map(notice_line)}
        {places.map(|place| view! { <TableView table=of(tables, place) /> }).collect_view()}
        {forms.into_iter().map(form_section).collect_view()}
    }
}

fn of(tables: RwSignal<Vec<Table>>, place: usize) -> Signal<Table> {
    Signal::derive(move || tables.read().get(place).cloned().unwrap_or_default())
}

/// Asks for the tables again every `ms` while the page is looked at.
fn refresh(tables: RwSignal<Vec<Table>>, asked: Asked, ms: u32) {
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
                // Where it cannot be read, what is shown stays.
                if let Ok(sheet) = load(asked).await {
                    tables.try_set(sheet.tables);
                }
            });
        };
        if let Ok(handle) = set_interval_with_handle(look, Duration::from_millis(ms.into())) {
            on_cleanup(move || handle.clear());
        }
    });
}
