//! `/settings`: the account and, for admins, everybody's.

pub mod admin;
mod nav;
mod sites;
mod table;

use leptos::{html::P, prelude::*};
use leptos_meta::Title;

use super::home::Failure;
use crate::{
    api::{self, account::Settings},
    protocol::{
        UserId,
        http::{Role, User},
        settings::{Button, Field, Form, Notice},
    },
    ui::components::{alert::QueryAlert, conversation_list::SignOut, pane::BackLink},
};

#[component]
pub fn SettingsPage() -> impl IntoView {
    let settings = Resource::new(|| (), |()| api::account::load_settings());
    view! {
        <Title text="Settings" />
        <main class="pane settings" id="main" tabindex="-1">
            <header class="thread-head">
                <BackLink href="/" label="Back to conversations" />
                <h1>"Settings"</h1>
            </header>
            <div class="settings-inner">
                <QueryAlert />
                <Suspense>
                    {move || Suspend::new(async move {
                        match settings.await {
                            Ok(settings) => view! { <Sections settings /> }.into_any(),
                            Err(error) => view! { <Failure error /> }.into_any(),
                        }
                    })}
                </Suspense>
                <sites::Sites />
            </div>
        </main>
    }
}

#[component]
fn Sections(settings: Settings) -> impl IntoView {
    let Settings { me, users, told, forms } = settings;
    let id = me.id;
    view! {
        {users.is_some().then(|| view! { <nav::SettingsNav /> })}
        <Account me />
        {users.map(|users| view! { <People users told me=id /> })}
        {forms.into_iter().map(form_section).collect_view()}
    }
}

#[component]
fn Account(me: User) -> impl IntoView {
    view! {
        <section aria-labelledby="account">
            <h2 id="account">"Account"</h2>
            <dl>
                <dt>"Name"</dt>
                <dd>{me.display_name}</dd>
                <dt>"Username"</dt>
                <dd>{me.username}</dd>
                <dt>"Role"</dt>
                <dd>{me.role.as_str()}</dd>
            </dl>
            <div class="sign-out">
                <SignOut class="button" />
            </div>
        </section>
    }
}

#[component]
fn People(users: Vec<User>, told: Option<Notice>, me: UserId) -> impl IntoView {
    let rows = users.into_iter().map(|user| view! { <Person is_me=user.id == me user /> });
    view! {
        <section aria-labelledby="people">
            <h2 id="people">"People"</h2>
            {told.map(notice_line)}
            <div class="people-scroll">
                <table class="people">
                    <thead>
                        <tr>
                            <th scope="col">"Name"</th>
                            <th scope="col">"Username"</th>
                            <th scope="col">"Role"</th>
                            <th scope="col">"Account"</th>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
}

/// One's own role and account are shown, not offered: an admin who locks out the last admin is helped by nobody.
#[component]
fn Person(user: User, is_me: bool) -> impl IntoView {
    let state = if user.disabled { "disabled" } else { "open" };
    let controls =
        (!is_me).then(|| (view! { <RoleForm user=user.clone() /> }, view! { <DisableForm user=user.clone() /> }));
    let (role, account) = match controls {
        Some((role, account)) => (role.into_any(), account.into_any()),
        None => (user.role.as_str().into_any(), state.into_any()),
    };
    view! {
        <tr>
            <td>{user.display_name}</td>
            <td>{user.username}</td>
            <td>{role}</td>
            <td>{account}</td>
        </tr>
    }
}

#[component]
fn RoleForm(user: User) -> impl IntoView {
    let option = |role: Role| {
        let selected = user.role == role;
        view! {
            <option value=role.as_str() selected=selected>
                {role.as_str()}
            </option>
        }
    };
    view! {
        <form method="post" action="/fn/patch_user">
            <input type="hidden" name="username" value=user.username.clone() />
            <select class="input" name="role" aria-label=format!("Role of {}", user.username)>
                {[Role::Member, Role::Operator, Role::Admin].map(option).collect_view()}
            </select>
            <button class="button small" type="submit" aria-label=format!("Change role of {}", user.username)>
                "Change role"
            </button>
        </form>
    }
}

#[component]
fn DisableForm(user: User) -> impl IntoView {
    let (label, value) = if user.disabled { ("Enable", "false") } else { ("Disable", "true") };
    let name = [label, " ", &user.username].concat();
    view! {
        <form method="post" action="/fn/patch_user">
            <input type="hidden" name="username" value=user.username />
            <button class="button small" name="disabled" value=value type="submit" aria-label=name>
                {label}
            </button>
        </form>
    }
}

/// A form as the server describes it: plain, so that it works before, and without, a script.
fn form_section(form: Form) -> impl IntoView {
    let Form { id, title, note, notice, fields, buttons } = form;
    let notice = notice.map(notice_line);
    let action = buttons.first().map(|button| button.action.clone());
    let buttons = buttons.into_iter().map(|Button { label, action }| {
        view! {
            <button class="button" type="submit" formaction=action>
                {label}
            </button>
        }
    });
    let fields = fields.into_iter().map(|field| form_field(&id, field)).collect_view();
    let labelled_by = id.clone();
    view! {
        <section aria-labelledby=labelled_by>
            <h2 id=id>{title}</h2>
            {notice}
            <p class="hint">{note}</p>
            <form class="fields" method="post" action=action>
                {fields}
                <div>{buttons.collect_view()}</div>
            </form>
        </section>
    }
}

/// What came of a form. It was on the page from its beginning, which a screen reader does not tell: so it has the
/// focus.
fn notice_line(notice: Notice) -> impl IntoView {
    let (class, role) = if notice.is_good { ("notice", "status") } else { ("alert", "alert") };
    let line = NodeRef::<P>::new();
    Effect::new(move |_| {
        if let Some(line) = line.get() {
            // An element that is not there any more has none.
            let _ = line.focus();
        }
    });
    view! {
        <p class=class role=role tabindex="-1" node_ref=line>
            {notice.text}
        </p>
    }
}

fn form_field(form: &str, field: Field) -> impl IntoView + use<> {
    let Field { label, name, kind, value, placeholder, options, is_fixed, is_checked } = field;
    let id = format!("{form}-{name}");
    let input = if options.is_empty() {
        let class = if kind == "checkbox" { "" } else { "input" };
        view! {
            <input
                class=class
                id=id.clone()
                name=name
                type=kind
                value=value
                placeholder=placeholder
                disabled=is_fixed
                checked=is_checked
                autocomplete="off"
            />
        }
        .into_any()
    } else {
        let option = |option: String| {
            let selected = option == value;
            view! { <option selected=selected>{option.clone()}</option> }
        };
        view! {
            <select class="input" id=id.clone() name=name disabled=is_fixed>
                {options.into_iter().map(option).collect_view()}
            </select>
        }
        .into_any()
    };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            {input}
        </div>
    }
}
