//! What PowerShell makes of values on their way through JSON.
//!
//! `ConvertTo-Json` writes a list of one as that one, an enumeration as its number, or after
//! `Invoke-Command` as `{"value": 3, "Value": "Off"}`, and leaves out nothing but may write `null`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A list that may be missing, or the only thing in it.
pub(super) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct List<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list, or the only thing in it")
        }

        fn visit_unit<E: de::Error>(self) -> Result<Vec<T>, E> {
            Ok(Vec::new())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(item) = items.next_element()? {
                list.push(item);
            }
            Ok(list)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
            T::deserialize(de::value::MapAccessDeserializer::new(map)).map(|one| vec![one])
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<T>, E> {
            T::deserialize(de::value::StrDeserializer::new(text)).map(|one| vec![one])
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<Vec<T>, E> {
            T::deserialize(de::value::U64Deserializer::new(number)).map(|one| vec![one])
        }
    }

    deserializer.deserialize_any(List(PhantomData))
}

/// A value that may be `null`, which is as if it was not there.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A text that says nothing when it is empty.
pub(super) fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.trim().is_empty()))
}

/// Something that is written as text, and says nothing when it is empty: ids, addresses.
pub(super) fn parsed<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: fmt::Display>,
{
    let text = said(deserializer)?;
    let parsed = text.map(|text| text.parse().map_err(de::Error::custom));
    parsed.transpose()
}

/// A name or a number of an enumeration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NameOrNumber {
    /// Its name.
    Name(String),
    /// Its number.
    Number(i64),
}

impl fmt::Display for NameOrNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name:?}"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

impl<'de> Deserialize<'de> for NameOrNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = NameOrNumber;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name or the number of a value")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<NameOrNumber, E> {
                let text = text.trim();
                Ok(match text.parse() {
                    Ok(number) => NameOrNumber::Number(number),
                    Err(_) => NameOrNumber::Name(text.to_owned()),
                })
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<NameOrNumber, E> {
                i64::try_from(number)
                    .map(NameOrNumber::Number)
                    .map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<NameOrNumber, E> {
                Ok(NameOrNumber::Number(number))
            }

            // Some of the enumerations are on or off for people.
            fn visit_bool<E: de::Error>(self, on: bool) -> Result<NameOrNumber, E> {
                let name = if on { "On" } else { "Off" };
                Ok(NameOrNumber::Name(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NameOrNumber, A::Error> {
                let mut found = None;
                while let Some((key, value)) = map.next_entry::<String, NameOrNumber>()? {
                    match (key.as_str(), &value) {
                        ("Value", NameOrNumber::Name(_)) => found = Some(value),
                        ("value" | "Value", NameOrNumber::Number(_)) if found.is_none() => {
                            found = Some(value);
                        }
                        _ => {}
                    }
                }
                found.ok_or_else(|| de::Error::custom("an enumeration without a value"))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// An enumeration of the cmdlets': names as they are written, numbers as they are counted.
macro_rules! host_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $number:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// The name that the cmdlets take and give.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($variant),)*
                }
            }

            fn of(value: &$crate::hyperv_inventory::lenient::NameOrNumber) -> Option<Self> {
                use $crate::hyperv_inventory::lenient::NameOrNumber;
                match value {
                    $(
                        NameOrNumber::Number($number) => Some(Self::$variant),
                        NameOrNumber::Name(name)
                            if name.eq_ignore_ascii_case(stringify!($variant)) =>
                        {
                            Some(Self::$variant)
                        }
                    )*
                    NameOrNumber::Number(_) | NameOrNumber::Name(_) => None,
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use $crate::hyperv_inventory::lenient::NameOrNumber;
                let value = NameOrNumber::deserialize(deserializer)?;
                Self::of(&value).ok_or_else(|| {
                    let what = stringify!($name);
                    serde::de::Error::custom(format_args!("{what} has no value {value}"))
                })
            }
        }
    };
}

pub(super) use host_enum;
