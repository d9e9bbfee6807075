//! The reader's time zone: UTC in the first render, on both sides; the browser's own after hydration.

use leptos::prelude::*;
use wasm_bindgen::JsValue;

use crate::protocol::{Timestamp, time::MINUTE_MS};

#[derive(Clone, Copy)]
pub struct Zone {
    local: RwSignal<bool>,
}

impl Zone {
    /// Once, in the root component.
    pub fn provide() {
        let zone = Self { local: RwSignal::new(false) };
        provide_context(zone);
        Effect::new(move |_| zone.local.set(true));
    }

    pub fn current() -> Self {
        use_context().unwrap_or_else(|| Self { local: RwSignal::new(false) })
    }

    /// What to add to UTC at that moment, daylight saving included. Reactive.
    pub fn offset_ms(self, at: Timestamp) -> i64 {
        if !self.local.get() {
            return 0;
        }
        let date = js_sys::Date::new(&JsValue::from_f64(at.as_ms() as f64));
        -(date.get_timezone_offset() as i64) * MINUTE_MS
    }

    pub fn clock(self, at: Timestamp) -> String {
        super::format::clock(at, self.offset_ms(at))
    }

    pub fn day(self, at: Timestamp) -> String {
        super::format::day(at, self.offset_ms(at))
    }

    pub fn when(self, at: Timestamp, now: Option<Timestamp>) -> String {
        super::format::when(at, now, self.offset_ms(at))
    }
}
