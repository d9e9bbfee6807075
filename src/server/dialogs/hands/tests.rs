use proptest::prelude::*;

use super::*;
use crate::{fresh_id, protocol::UserId};

fn user(name: &str, role: Role) -> User {
    let id = UserId::of_agent(name);
    User { id, username: name.to_lowercase(), display_name: name.into(), role, disabled: false }
}

fn state(owner: Owner, status: DialogStatus) -> ControlState {
    ControlState { owner, status, epoch: 7 }
}

fn held_by(name: &str) -> Owner {
    Owner::Human { user: user(name, Role::Operator).as_ref() }
}

const QUEUE: Owner = Owner::Queue { team: None };

fn with_agents() -> Scene {
    Scene { has_agents: true, ..Scene::default() }
}

#[test]
fn a_take_is_the_next_epoch_and_a_late_one_hears_who_was_faster() {
    let anna = user("Anna", Role::Operator);
    let now = state(QUEUE, DialogStatus::Open);
    let taken = control(&now, &with_agents(), &anna, ControlAction::Take, 7, None).unwrap().unwrap();
    assert_eq!(taken, ControlState { owner: held_by("Anna"), status: DialogStatus::Open, epoch: 8 });
    let late = control(&taken, &with_agents(), &user("Ben", Role::Admin), ControlAction::Take, 7, None).unwrap_err();
    assert_eq!((late.code, late.detail.as_str()), (Code::StaleEpoch, "Anna already took this."));
    assert_eq!(late.details["epoch"], 8);
    assert_eq!(late.details["owner"]["user"]["name"], "Anna");
    assert_eq!(control(&taken, &with_agents(), &anna, ControlAction::Take, 8, None), Ok(None), "it is hers already");
}

#[test]
fn only_operators_move_a_dialog_but_a_visitor_may_ask_for_a_person() {
    let now = state(Owner::Ai, DialogStatus::Open);
    let visitor = user("Visitor", Role::Visitor);
    for action in [ControlAction::Take, ControlAction::Release, ControlAction::Resolve, ControlAction::Transfer] {
        for who in [&visitor, &user("Member", Role::Member)] {
            assert_eq!(control(&now, &with_agents(), who, action, 7, None).unwrap_err().code, Code::Forbidden);
        }
    }
    let asked = control(&now, &with_agents(), &visitor, ControlAction::RequestHuman, 7, None).unwrap().unwrap();
    assert_eq!((asked.owner, asked.epoch), (QUEUE, 8));
    for held in [QUEUE, held_by("Anna")] {
        let now = state(held, DialogStatus::Open);
        assert_eq!(control(&now, &with_agents(), &visitor, ControlAction::RequestHuman, 7, None), Ok(None));
    }
}

#[test]
fn a_reply_takes_from_the_ai_and_the_queue_but_not_from_a_colleague() {
    let anna = user("Anna", Role::Operator).as_ref();
    for owner in [Owner::Ai, QUEUE] {
        let taken = reply(&state(owner, DialogStatus::Open), &anna).unwrap().unwrap();
        assert_eq!((taken.owner, taken.epoch), (held_by("Anna"), 8));
    }
    assert_eq!(reply(&state(held_by("Anna"), DialogStatus::Open), &anna), Ok(None));
    assert_eq!(reply(&state(held_by("Ben"), DialogStatus::Open), &anna).unwrap_err().code, Code::Forbidden);
}

#[test]
fn a_resolved_dialog_goes_back_to_its_person_else_the_ai_else_the_queue() {
    let now = state(held_by("Ben"), DialogStatus::Resolved);
    let anna = user("Anna", Role::Operator).as_ref();
    let who = |scene: &Scene| visitor_wrote(&now, scene).map(|state| (state.owner, state.status, state.epoch));
    let online = Scene { last_human: Some(anna), ..with_agents() };
    assert_eq!(who(&online), Some((held_by("Anna"), DialogStatus::Open, 8)));
    assert_eq!(who(&with_agents()), Some((Owner::Ai, DialogStatus::Open, 8)));
    assert_eq!(who(&Scene::default()), Some((QUEUE, DialogStatus::Open, 8)));
    let same = Scene { last_human: Some(user("Ben", Role::Operator).as_ref()), ..Scene::default() };
    assert_eq!(who(&same), Some((held_by("Ben"), DialogStatus::Open, 7)), "the same hands, the same epoch");
    assert_eq!(visitor_wrote(&state(Owner::Ai, DialogStatus::Open), &with_agents()), None);
}

#[test]
fn there_is_no_ai_to_return_to_where_a_site_has_none() {
    let now = state(held_by("Anna"), DialogStatus::Open);
    let anna = user("Anna", Role::Operator);
    let problem = control(&now, &Scene::default(), &anna, ControlAction::ReturnToAi, 7, None).unwrap_err();
    assert_eq!(problem.code, Code::Invalid);
    let problem = control(&now, &with_agents(), &anna, ControlAction::Transfer, 7, None).unwrap_err();
    assert!(problem.details.contains_key("to"));
}

proptest! {
    /// Whatever is done, in whatever order.
    #[test]
    fn the_epoch_grows_by_one_with_each_change_of_owner_and_never_else(
        steps in prop::collection::vec((0usize..10, 0usize..3, any::<bool>()), 1..60),
    ) {
        let people = ["Anna", "Ben", "Cara"].map(|name| user(name, Role::Operator));
        let visitor = User { id: fresh_id!(UserId), ..user("V", Role::Visitor) };
        let mut now = ControlState { owner: Owner::Ai, status: DialogStatus::Open, epoch: 1 };
        for (what, who, has_agents) in steps {
            let person = &people[who];
            let scene = Scene { has_agents, team: None, last_human: (who > 0).then(|| person.as_ref()) };
            let act = |action| {
                control(&now, &scene, person, action, now.epoch, Some(people[(who + 1) % 3].as_ref())).unwrap_or(None)
            };
            let next = match what {
                0 => act(ControlAction::Take),
                1 => act(ControlAction::Release),
                2 => act(ControlAction::ReturnToAi),
                3 => act(ControlAction::Transfer),
                4 => act(ControlAction::Resolve),
                5 => act(ControlAction::Reopen),
                6 => act(ControlAction::Snooze),
                7 => control(&now, &scene, &visitor, ControlAction::RequestHuman, now.epoch, None).unwrap_or(None),
                8 => reply(&now, &person.as_ref()).unwrap_or(None),
                _ => visitor_wrote(&now, &scene),
            };
            let Some(next) = next else { continue };
            prop_assert!(next != now, "a change that changes nothing");
            prop_assert_eq!(next.epoch, now.epoch + u64::from(next.owner != now.owner));
            now = next;
        }
    }
}
