//! `/login`: plain forms, so that signing in never waits for a script.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{client::nobody_is_signed_in, ui::components::alert::QueryAlert};

#[component]
pub fn LoginPage() -> impl IntoView {
    // An Effect runs in a browser only.
    Effect::new(nobody_is_signed_in);
    let query = use_query_map();
    let next = query.read_untracked().get("next").unwrap_or_default();
    let username = query.read_untracked().get("username").unwrap_or_default();
    view! {
        <Title text="Sign in" />
        <main class="login">
            <Story />
            <section class="login-form" aria-labelledby="sign-in">
                <div>
                    <h1 id="sign-in">"Welcome"</h1>
                    <p class="lead">"Sign in, or choose a name and a password to create an account."</p>
                </div>
                <QueryAlert />
                <form method="post" action="/fn/sign_in">
                    <input type="hidden" name="next" value=next />
                    <div class="field">
                        <label for="username">"Username"</label>
                        <input
                            class="input"
                            id="username"
                            name="username"
                            value=username
                            required
                            autocomplete="username"
                            autocapitalize="none"
                            spellcheck="false"
                        />
                    </div>
                    <div class="field">
                        <label for="password">"Password"</label>
                        <input
                            class="input"
                            id="password"
                            name="password"
                            type="password"
                            required
                            autocomplete="current-password"
                            aria-describedby="password-hint"
                        />
                        <p class="hint" id="password-hint">
                            "At least 8 characters."
                        </p>
                    </div>
                    <div class="login-actions">
                        <button class="button primary" type="submit">
                            "Sign in"
                        </button>
                        <button class="button" type="submit" formaction="/fn/register">
                            "Create account"
                        </button>
                    </div>
                </form>
            </section>
        </main>
    }
}

#[component]
fn Story() -> impl IntoView {
    view! {
        <div class="login-story">
            <div class="brand">
                <img src="/favicon.svg" alt="" width="32" height="32" />
                "Magpie"
            </div>
            <h2>"People and agents, in one conversation, live."</h2>
            <ul>
                <li>"Talk with your team and with a team of agents, side by side."</li>
                <li>"Watch every step an agent takes, and stop it whenever you like."</li>
                <li>"On your own server. Nothing that was sent is ever lost."</li>
            </ul>
        </div>
    }
}
