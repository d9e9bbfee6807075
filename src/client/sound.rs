//! The sound of a message, off until a visitor wants it: two short tones, made here.

use std::cell::RefCell;

use js_sys::Reflect;
use wasm_bindgen::JsValue;
use web_sys::{AudioContext, OscillatorType};

/// In hertz and seconds: the tones, when each begins, and how long it takes to fade.
const TONES: [(f32, f64); 2] = [(880.0, 0.0), (1_174.66, 0.09)];
const FADE_S: f64 = 0.25;
const LOUDNESS: f32 = 0.08;

thread_local! {
    static WANTED: RefCell<bool> = const { RefCell::new(false) };
    /// With the time until which a sound is on.
    static CONTEXT: RefCell<Option<(AudioContext, f64)>> = const { RefCell::new(None) };
}

pub(super) fn want(is_wanted: bool) {
    WANTED.set(is_wanted);
}

pub(super) fn ring() {
    if WANTED.with_borrow(|wanted| *wanted) && was_touched() {
        // A browser without sound is silent.
        let _ = CONTEXT.with_borrow_mut(play);
    }
}

/// A page that nobody touched yet may make no sound, and a browser complains of each attempt.
fn was_touched() -> bool {
    let of = |value: JsValue, name: &str| Reflect::get(&value, &name.into()).unwrap_or(JsValue::UNDEFINED);
    web_sys::window().is_some_and(|window| {
        let activation = of(of(window.into(), "navigator"), "userActivation");
        !activation.is_object() || of(activation, "hasBeenActive").is_truthy()
    })
}

fn play(slot: &mut Option<(AudioContext, f64)>) -> Result<(), JsValue> {
    let (context, until) = match slot.take() {
        Some(sounding) => sounding,
        None => (AudioContext::new()?, 0.0),
    };
    let now = context.current_time();
    if now < until {
        // Many messages at once, after a time without a network, are one sound.
        *slot = Some((context, until));
        return Ok(());
    }
    let _ = context.resume()?;
    for (pitch, after_s) in TONES {
        let (tone, loudness) = (context.create_oscillator()?, context.create_gain()?);
        let begins = now + after_s;
        tone.set_type(OscillatorType::Sine);
        tone.frequency().set_value(pitch);
        loudness.gain().set_value_at_time(LOUDNESS, begins)?;
        loudness.gain().exponential_ramp_to_value_at_time(0.0001, begins + FADE_S)?;
        tone.connect_with_audio_node(&loudness)?;
        loudness.connect_with_audio_node(&context.destination())?;
        tone.start_with_when(begins)?;
        tone.stop_with_when(begins + FADE_S)?;
    }
    *slot = Some((context, now + FADE_S));
    Ok(())
}
