//! The units that are known: the international definitions, US customary where a name has several.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Length,
    Mass,
    Temperature,
    Volume,
    Area,
    Time,
    Data,
    Speed,
    Energy,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Mass => "mass",
            Self::Temperature => "temperature",
            Self::Volume => "volume",
            Self::Area => "area",
            Self::Time => "time",
            Self::Data => "data size",
            Self::Speed => "speed",
            Self::Energy => "energy",
        }
    }
}

#[derive(Debug, PartialEq)]
pub struct Unit {
    pub kind: Kind,
    pub symbol: &'static str,
    /// Lower case, singular; a plural `s` is understood.
    names: &'static [&'static str],
    /// `value × factor + offset` is in the kind's base unit.
    factor: f64,
    offset: f64,
}

const fn unit(kind: Kind, symbol: &'static str, factor: f64, names: &'static [&'static str]) -> Unit {
    Unit { kind, symbol, names, factor, offset: 0.0 }
}

use Kind::{Area, Data, Energy, Length, Mass, Speed, Temperature, Time, Volume};

#[rustfmt::skip]
static UNITS: &[Unit] = &[
    unit(Length, "m", 1.0, &["metre", "meter"]),
    unit(Length, "km", 1e3, &["kilometre", "kilometer", "kms"]),
    unit(Length, "cm", 1e-2, &["centimetre", "centimeter"]),
    unit(Length, "mm", 1e-3, &["millimetre", "millimeter"]),
    unit(Length, "µm", 1e-6, &["um", "micrometre", "micrometer", "micron"]),
    unit(Length, "nm", 1e-9, &["nanometre", "nanometer"]),
    unit(Length, "mi", 1_609.344, &["mile"]),
    unit(Length, "yd", 0.9144, &["yard"]),
    unit(Length, "ft", 0.3048, &["foot", "feet"]),
    unit(Length, "in", 0.0254, &["inch", "inches"]),
    unit(Length, "nmi", 1_852.0, &["nautical mile"]),
    unit(Length, "ly", 9.460_730_472_580_8e15, &["light year", "lightyear", "light-year"]),
    unit(Mass, "kg", 1.0, &["kilogram", "kilo", "kilogramme"]),
    unit(Mass, "g", 1e-3, &["gram", "gramme"]),
    unit(Mass, "mg", 1e-6, &["milligram"]),
    unit(Mass, "t", 1e3, &["tonne", "metric ton"]),
    unit(Mass, "lb", 0.453_592_37, &["lbs", "pound"]),
    unit(Mass, "oz", 0.028_349_523_125, &["ounce"]),
    unit(Mass, "st", 6.350_293_18, &["stone"]),
    Unit { kind: Temperature, symbol: "°C", names: &["c", "celsius", "centigrade", "degree celsius", "degree c", "deg c"], factor: 1.0, offset: 273.15 },
    Unit { kind: Temperature, symbol: "°F", names: &["f", "fahrenheit", "degree fahrenheit", "degree f", "deg f"], factor: 5.0 / 9.0, offset: 273.15 - 32.0 * 5.0 / 9.0 },
    Unit { kind: Temperature, symbol: "K", names: &["kelvin", "degree kelvin"], factor: 1.0, offset: 0.0 },
    unit(Volume, "l", 1.0, &["litre", "liter"]),
    unit(Volume, "ml", 1e-3, &["millilitre", "milliliter", "cc"]),
    unit(Volume, "cl", 1e-2, &["centilitre", "centiliter"]),
    unit(Volume, "dl", 1e-1, &["decilitre", "deciliter"]),
    unit(Volume, "m³", 1e3, &["m3", "cubic metre", "cubic meter"]),
    unit(Volume, "gal", 3.785_411_784, &["gallon", "us gallon"]),
    unit(Volume, "imp gal", 4.546_09, &["imperial gallon", "uk gallon"]),
    unit(Volume, "qt", 0.946_352_946, &["quart"]),
    unit(Volume, "pt", 0.473_176_473, &["pint"]),
    unit(Volume, "cup", 0.236_588_236_5, &["cup"]),
    unit(Volume, "fl oz", 0.029_573_529_562_5, &["fluid ounce", "floz"]),
    unit(Volume, "tbsp", 0.014_786_764_781_25, &["tablespoon"]),
    unit(Volume, "tsp", 0.004_928_921_593_75, &["teaspoon"]),
    unit(Area, "m²", 1.0, &["m2", "sqm", "square metre", "square meter"]),
    unit(Area, "km²", 1e6, &["km2", "square kilometre", "square kilometer"]),
    unit(Area, "ha", 1e4, &["hectare"]),
    unit(Area, "acre", 4_046.856_422_4, &["acre"]),
    unit(Area, "ft²", 0.092_903_04, &["ft2", "sqft", "sq ft", "square foot", "square feet"]),
    unit(Area, "mi²", 2_589_988.110_336, &["mi2", "square mile"]),
    unit(Time, "s", 1.0, &["sec", "second"]),
    unit(Time, "ms", 1e-3, &["millisecond"]),
    unit(Time, "min", 60.0, &["minute"]),
    unit(Time, "h", 3_600.0, &["hr", "hour"]),
    unit(Time, "days", 86_400.0, &["d", "day"]),
    unit(Time, "weeks", 604_800.0, &["wk", "week"]),
    unit(Time, "years", 31_556_952.0, &["yr", "year"]),
    unit(Data, "bit", 0.125, &["bit"]),
    unit(Data, "B", 1.0, &["byte"]),
    unit(Data, "kB", 1e3, &["kb", "kilobyte"]),
    unit(Data, "MB", 1e6, &["mb", "megabyte"]),
    unit(Data, "GB", 1e9, &["gb", "gigabyte"]),
    unit(Data, "TB", 1e12, &["tb", "terabyte"]),
    unit(Data, "KiB", 1024.0, &["kib", "kibibyte"]),
    unit(Data, "MiB", 1_048_576.0, &["mib", "mebibyte"]),
    unit(Data, "GiB", 1_073_741_824.0, &["gib", "gibibyte"]),
    unit(Data, "TiB", 1_099_511_627_776.0, &["tib", "tebibyte"]),
    unit(Data, "kbit", 125.0, &["kilobit"]),
    unit(Data, "Mbit", 125e3, &["mbit", "megabit"]),
    unit(Data, "Gbit", 125e6, &["gbit", "gigabit"]),
    unit(Speed, "m/s", 1.0, &["mps", "metres per second", "meters per second"]),
    unit(Speed, "km/h", 1.0 / 3.6, &["kmh", "kph", "kilometres per hour", "kilometers per hour", "km per hour"]),
    unit(Speed, "mph", 0.447_04, &["mi/h", "miles per hour"]),
    unit(Speed, "kn", 1_852.0 / 3_600.0, &["knot", "kt"]),
    unit(Energy, "J", 1.0, &["joule"]),
    unit(Energy, "kJ", 1e3, &["kj", "kilojoule"]),
    unit(Energy, "kcal", 4_184.0, &["calorie", "kilocalorie"]),
    unit(Energy, "kWh", 3.6e6, &["kwh", "kilowatt hour", "kilowatt-hour"]),
];

/// A unit by its symbol, as it is written, or by its name in any case, singular or plural.
pub fn find(name: &str) -> Option<&'static Unit> {
    let name = name.trim().trim_end_matches(['.', '?', '!', ',']);
    let lower = name.to_lowercase();
    let lower = lower.replace("degrees", "degree");
    let singular = lower.strip_suffix('s').unwrap_or(&lower);
    let by_symbol = UNITS.iter().find(|unit| unit.symbol == name);
    let named = |name: &str| UNITS.iter().find(|unit| unit.names.contains(&name));
    by_symbol
        .or_else(|| named(&lower))
        .or_else(|| named(singular))
        .or_else(|| UNITS.iter().find(|unit| unit.symbol.to_lowercase() == lower))
}

pub fn convert(value: f64, from: &Unit, to: &Unit) -> Result<f64, String> {
    if from.kind != to.kind {
        let (a, b) = (from.kind.as_str(), to.kind.as_str());
        return Err(format!("{} measures {a} and {} measures {b}: they cannot be converted.", from.symbol, to.symbol));
    }
    let base = value * from.factor + from.offset;
    if from.kind == Temperature && base < -1e-9 {
        return Err(format!("{value} {} is below absolute zero.", from.symbol));
    }
    let result = (base - to.offset) / to.factor;
    if !result.is_finite() {
        return Err("The result is too large to write down.".into());
    }
    // Offsets leave noise in the last digits: -40 °C is -40 °F, not -39.99999999999997.
    Ok(if from.kind == Temperature { (result * 1e9).round() / 1e9 } else { result })
}
