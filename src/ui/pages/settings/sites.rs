//! The websites that embed the widget: each with its form, its one tag, and, once, its secret.

use leptos::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::notice_line;
use crate::{
    api,
    protocol::site::{Site, SiteSection},
};

/// Nothing for who is no admin.
#[component]
pub fn Sites() -> impl IntoView {
    let sites = Resource::new(|| (), |()| api::sites::load_sites());
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                let sections = sites.await.unwrap_or_default();
                sections
                    .into_iter()
                    .map(|section| {
                        if section.site.id.0.is_empty() {
                            view! { <NewSite section /> }.into_any()
                        } else {
                            view! { <SiteForm section /> }.into_any()
                        }
                    })
                    .collect_view()
            })}
        </Suspense>
    }
}

#[component]
fn SiteForm(section: SiteSection) -> impl IntoView {
    let SiteSection { site, embed_code, notice, errors, secret } = section;
    let Site { id, name, allowed_origins, greeting, color, hours, agents, team, auto_assign } = site;
    let heading = format!("site-{id}");
    let labelled_by = heading.clone();
    let error = |field: &str| errors.get(field).cloned();
    let text = |label, field: &'static str, hint, value| {
        field_view(&id.0, label, (field, hint), error(field), Input::Text(value))
    };
    let origins = Input::Lines { value: allowed_origins.join("\n"), placeholder: "https://shop.example" };
    let origins = field_view(
        &id.0,
        "Allowed origins",
        ("allowed_origins", "One on each line: scheme, host and port, such as https://shop.example."),
        error("allowed_origins"),
        origins,
    );
    view! {
        <section aria-labelledby=labelled_by>
            <h2 id=heading>{["Website: ", &name].concat()}</h2>
            {notice.map(notice_line)}
            {secret.map(|secret| view! { <Copied id=id.0.clone() label="Secret" text=secret hint="It is shown this once. With it your server signs who a visitor is." /> })}
            <Copied
                id=id.0.clone()
                label="Embed code"
                text=embed_code
                hint="Put it into your pages, once, anywhere. It shows on pages of the allowed origins."
            />
            <form class="fields" method="post" action="/fn/save_site">
                <input type="hidden" name="id" value=id.0.clone() />
                {text("Name", "name", "Visitors read it over the chat.", name)}
                {origins}
                {text("Greeting", "greeting", "What visitors read before anything was said.", greeting)}
                {text("Business hours", "hours", "Stands under the greeting, in your words. Leave it empty for none.", hours)}
                {field_view(&id.0, "Colour", ("color", ""), error("color"), Input::Color(color))}
                {text("Team", "team", "Operators read it beside those who wait here. Leave it empty for none.", team)}
                {check("agents", "Agents answer until a person takes over", agents)}
                {check("auto_assign", "Who waits goes to the least busy operator online", auto_assign)}
                <div>
                    <button class="button" type="submit">
                        "Save"
                    </button>
                    <button class="button" type="submit" formaction="/fn/new_site_secret" formnovalidate>
                        "New secret"
                    </button>
                </div>
            </form>
        </section>
    }
}

#[component]
fn NewSite(section: SiteSection) -> impl IntoView {
    let SiteSection { site, notice, errors, .. } = section;
    let name =
        field_view("new", "Name of the new website", ("name", ""), errors.get("name").cloned(), Input::Text(site.name));
    view! {
        <section aria-labelledby="site-new">
            <h2 id="site-new">"Add a website"</h2>
            {notice.map(notice_line)}
            <form class="fields" method="post" action="/fn/save_site">
                <input type="hidden" name="id" value="" />
                {name}
                <div>
                    <button class="button" type="submit">
                        "Add website"
                    </button>
                </div>
            </form>
        </section>
    }
}

enum Input {
    Text(String),
    Color(String),
    Lines { value: String, placeholder: &'static str },
}

/// A field with its label, what it is for and, where it was not taken, why.
fn field_view(
    form: &str,
    label: &'static str,
    (name, hint): (&'static str, &'static str),
    error: Option<String>,
    input: Input,
) -> impl IntoView {
    let id = format!("site-{form}-{name}");
    let (why, about) = (format!("{id}-why"), format!("{id}-about"));
    let invalid = error.is_some().then_some("true");
    let described = match (error.is_some(), hint.is_empty()) {
        (true, true) => Some(why.clone()),
        (true, false) => Some(format!("{why} {about}")),
        (false, false) => Some(about.clone()),
        (false, true) => None,
    };
    let input = match input {
        Input::Lines { value, placeholder } => view! {
            <textarea class="input" id=id.clone() name=name rows="3" placeholder=placeholder spellcheck="false" aria-invalid=invalid aria-describedby=described>
                {value}
            </textarea>
        }
        .into_any(),
        Input::Text(value) => view! {
            <input class="input" id=id.clone() name=name value=value autocomplete="off" aria-invalid=invalid aria-describedby=described />
        }
        .into_any(),
        Input::Color(value) => view! {
            <input class="input" type="color" id=id.clone() name=name value=value aria-invalid=invalid aria-describedby=described />
        }
        .into_any(),
    };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            {input}
            {error.map(|error| view! { <p class="field-error" id=why>{error}</p> })}
            {(!hint.is_empty()).then(|| view! { <p class="hint" id=about>{hint}</p> })}
        </div>
    }
}

fn check(name: &'static str, label: &'static str, is_on: bool) -> impl IntoView {
    view! {
        <label class="check">
            <input type="checkbox" name=name checked=is_on />
            {label}
        </label>
    }
}

/// A text to be taken elsewhere.
#[component]
fn Copied(id: String, label: &'static str, text: String, hint: &'static str) -> impl IntoView {
    let slug = if label == "Secret" { "secret" } else { "embed" };
    let id = format!("site-{id}-{slug}");
    let said = RwSignal::new("Copy");
    let copied = text.clone();
    let copy = move |_| {
        let clipboard = window().navigator().clipboard();
        if clipboard.is_undefined() {
            // A page that came over plain http has none: the text can be selected.
            return said.set("Not copied");
        }
        let copying = JsFuture::from(clipboard.write_text(&copied));
        leptos::task::spawn_local(async move { said.set(if copying.await.is_ok() { "Copied" } else { "Not copied" }) });
    };
    view! {
        <div class="field copied">
            <label for=id.clone()>{label}</label>
            <div class="row">
                <textarea class="input" id=id rows="2" readonly spellcheck="false">
                    {text}
                </textarea>
                <button class="button small needs-js" type="button" on:click=copy aria-label=move || [said.get(), " the ", &label.to_lowercase()].concat()>
                    {said}
                </button>
            </div>
            <p class="hint">{hint}</p>
        </div>
    }
}
