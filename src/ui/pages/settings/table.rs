//! A table as the server describes it. Rows that are as they were stay in the page: a button in one keeps the focus
//! while the others change.

use leptos::prelude::*;

use crate::{
    protocol::sheet::{Cell, Link, Row, RowAction, Table},
    ui::Zone,
};

#[component]
pub fn TableView(table: Signal<Table>) -> impl IntoView {
    let Table { id, columns, empty, older, .. } = table.get_untracked();
    let head = columns.into_iter().map(|column| view! { <th scope="col">{column}</th> }).collect_view();
    let [labelled_by, scroller_by] = [(); 2].map(|()| id.clone());
    view! {
        <section aria-labelledby=labelled_by>
            <h2 id=id>{move || table.read().title.clone()}</h2>
            <div class="people-scroll" role="group" tabindex="0" aria-labelledby=scroller_by>
                <table class="people">
                    <thead>
                        <tr>{head}</tr>
                    </thead>
                    <tbody>
                        <For each=move || table.get().rows key=Clone::clone let:row>
                            <RowView row />
                        </For>
                    </tbody>
                </table>
            </div>
            <p class="hint" hidden=move || !table.read().rows.is_empty()>
                {empty}
            </p>
            {older.map(link)}
        </section>
    }
}

#[component]
fn RowView(row: Row) -> impl IntoView {
    let cells = row.cells.into_iter().map(cell).collect_view();
    view! { <tr>{cells}</tr> }
}

fn cell(cell: Cell) -> impl IntoView {
    let Cell { text, at, links, actions } = cell;
    let zone = Zone::current();
    let time = at.map(|at| {
        let shown = move || [zone.day(at).as_str(), ", ", &zone.clock(at)].concat();
        view! { <time datetime=at.to_string()>{shown}</time> }
    });
    view! {
        <td>
            {time}
            {text}
            {links.into_iter().map(link).collect_view()}
            {actions.into_iter().map(action).collect_view()}
        </td>
    }
}

fn link(Link { label, href }: Link) -> impl IntoView {
    view! { <a href=href>{label}</a> }
}

fn action(action: RowAction) -> impl IntoView {
    let RowAction { label, name, action, fields, is_dangerous } = action;
    let class = if is_dangerous { "button small danger" } else { "button small" };
    let fields = fields.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> });
    view! {
        <form method="post" action=action>
            {fields.collect_view()}
            <button class=class type="submit" aria-label=name>
                {label}
            </button>
        </form>
    }
}
