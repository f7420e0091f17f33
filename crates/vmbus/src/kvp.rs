//! The data exchange component (key value pairs): the host reads and writes keys in the guest.
//!
//! A request's body: operation (8 bits), pool (8), 16 reserved bits, and a record: of key and value
//! (get, set), of the key alone (delete), or of an index, key and value (enumerate). Keys are
//! UTF-16 in 512 bytes, values are in 2048, each with the zero that ends a text; Linux reads keys
//! up to that zero. Each request has the length of the longest record, since Linux answers in it.
//! The addresses of an adapter have a form of their own.
//!
//! One request at a time is with the guest, and it may take long: Linux hands it to a daemon
//! (`hv_kvp_daemon`), gives that 30 seconds, and answers status `0x80004005` when they are over.
//! Without the daemon Linux does not answer the negotiation, or only after 55 seconds; a request
//! then ends by its time limit.
//!
//! What only a real guest's daemon shows: what is in the pools, and that what was set is kept (in
//! `/var/lib/hyperv`). Debian 12's daemon (6.1.192), driven by hand in place of its driver, showed:
//!
//! - [`Pool::Auto`] has ten keys, from `FullyQualifiedDomainName` to `ProcessorArchitecture`;
//! - *get* says whether a key is there, and **no value**: the driver does not tell the daemon how
//!   much fits. To read a value use [`KvpHandle::get`] or [`KvpHandle::list`], which enumerate;
//! - an adapter is named by its MAC address in capitals, `00:15:5D:00:00:01`; any other name is
//!   refused with `0x80004005`; name servers and DHCP are known only where the distribution has
//!   installed its scripts.

mod ip;
mod value;

use std::sync::Arc;
use std::time::Duration;

use crate::device::Device;
use crate::guid::Guid;
use crate::ic::{
    Asker, Exchange, IcVersion, Kind, Pending, Rejection, Reply, Service, Stage, Step, fields,
    shared,
};

pub use ip::{Family, IpInfo};
pub use value::Value;
use value::{RECORD_BYTES, Rule};

/// "No more items": the end of an enumeration, and Linux's word for a key that is not there.
const NO_MORE_ITEMS: u32 = 0x8007_0103;
/// "Not found": an adapter that is not there, as Linux's header has it.
const NOT_FOUND: u32 = 0x8004_1002;

const HEADER_BYTES: usize = 4;
const IP_HEADER_BYTES: usize = 2;
const INDEX_BYTES: usize = 4;
const BODY_BYTES: usize = HEADER_BYTES + INDEX_BYTES + RECORD_BYTES;

/// The most records of a pool that are read.
pub const LIST_LIMIT: usize = 512;

/// Where a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pool {
    /// From the host to the guest's programs.
    External,
    /// From the guest's programs to the host.
    Guest,
    /// What the guest says of itself.
    Auto,
    /// From the host, of itself.
    AutoExternal,
    /// The guest's own.
    AutoInternal,
}

impl Pool {
    fn number(self) -> u8 {
        match self {
            Self::External => 0,
            Self::Guest => 1,
            Self::Auto => 2,
            Self::AutoExternal => 3,
            Self::AutoInternal => 4,
        }
    }
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The key.
    pub key: String,
    /// The value.
    pub value: Value,
}

/// What a request brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is done: set, deleted.
    Done,
    /// The guest has no such key, index or adapter (or, for Linux, could not write its file).
    NotThere,
    /// The value of a key.
    Value(Value),
    /// The record at an index.
    Record(Record),
    /// The records of a pool, in the guest's order.
    Records {
        /// Those that were read.
        records: Vec<Record>,
        /// Whether there are more than [`LIST_LIMIT`].
        more: bool,
    },
    /// The addresses of an adapter.
    Ip(IpInfo),
}

/// The owner's side of the data exchange component.
///
/// Each request holds until a time on the machine's clock; after asking, the owner pokes the device.
#[derive(Debug, Clone)]
pub struct KvpHandle(Asker<Query, Answer>);

/// A data exchange component, and what asks it.
#[must_use]
pub fn new() -> (impl Device + 'static, KvpHandle) {
    let shared = shared();
    let device = Exchange::<Kvp>::new(Arc::clone(&shared));
    (device, KvpHandle(Asker(shared)))
}

impl KvpHandle {
    /// How far the guest is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.0.stage()
    }

    /// Reads a key, by looking through the pool: [`Answer::Value`] or [`Answer::NotThere`].
    #[must_use]
    pub fn get(&self, pool: Pool, key: &str, until: Duration) -> Pending<Answer> {
        let want = Want::Find {
            pool,
            key: key.to_owned(),
            index: 0,
        };
        self.ask(want, Ok(enumerate(pool, 0)), until)
    }

    /// Asks the guest for a key: [`Answer::Value`], in Linux an empty one, or [`Answer::NotThere`].
    #[must_use]
    pub fn get_directly(&self, pool: Pool, key: &str, until: Duration) -> Pending<Answer> {
        let body = value::encode_record(key, None).map(|record| message(GET, pool, &record));
        self.ask(Want::Value, body, until)
    }

    /// Writes a key: [`Answer::Done`] or [`Answer::NotThere`].
    #[must_use]
    pub fn set(&self, pool: Pool, key: &str, value: &Value, until: Duration) -> Pending<Answer> {
        let body = value::encode_record(key, Some(value)).map(|record| message(SET, pool, &record));
        self.ask(Want::Nothing, body, until)
    }

    /// Removes a key: [`Answer::Done`] or [`Answer::NotThere`].
    #[must_use]
    pub fn delete(&self, pool: Pool, key: &str, until: Duration) -> Pending<Answer> {
        let body = value::encode_key(key).map(|key| message(DELETE, pool, &key));
        self.ask(Want::Nothing, body, until)
    }

    /// Reads what is at an index: [`Answer::Record`] or [`Answer::NotThere`].
    #[must_use]
    pub fn at(&self, pool: Pool, index: u32, until: Duration) -> Pending<Answer> {
        self.ask(Want::Record, Ok(enumerate(pool, index)), until)
    }

    /// Reads a pool, index by index: [`Answer::Records`].
    #[must_use]
    pub fn list(&self, pool: Pool, until: Duration) -> Pending<Answer> {
        let want = Want::Records {
            pool,
            so_far: Vec::new(),
        };
        self.ask(want, Ok(enumerate(pool, 0)), until)
    }

    /// Asks for the addresses of an adapter: [`Answer::Ip`] or [`Answer::NotThere`].
    #[must_use]
    pub fn ip_info(&self, adapter: &str, until: Duration) -> Pending<Answer> {
        let body = ip::encode(adapter).map(|info| {
            let mut body = vec![GET_IP_INFO, 0];
            body.extend_from_slice(&info);
            body
        });
        self.ask(Want::Ip, body, until)
    }

    fn ask(&self, want: Want, body: Result<Vec<u8>, Rule>, until: Duration) -> Pending<Answer> {
        match body {
            Ok(body) => self.0.ask(Query { want, body }, until),
            Err(rule) => Asker::<Query, Answer>::refuse(rule.to_string()),
        }
    }
}

const GET: u8 = 0;
const SET: u8 = 1;
const DELETE: u8 = 2;
const ENUMERATE: u8 = 3;
const GET_IP_INFO: u8 = 4;

/// A request, written already, and what its answer is to be read as.
#[derive(Debug)]
pub(crate) struct Query {
    want: Want,
    body: Vec<u8>,
}

#[derive(Debug)]
enum Want {
    Nothing,
    Value,
    Record,
    Records { pool: Pool, so_far: Vec<Record> },
    Find { pool: Pool, key: String, index: u32 },
    Ip,
}

fn message(operation: u8, pool: Pool, content: &[u8]) -> Vec<u8> {
    let mut body = vec![0; BODY_BYTES];
    fields::put(&mut body, 0, &[operation, pool.number()]);
    fields::put(&mut body, HEADER_BYTES, content);
    body
}

fn enumerate(pool: Pool, index: u32) -> Vec<u8> {
    message(ENUMERATE, pool, &index.to_le_bytes())
}

enum Kvp {}

impl Service for Kvp {
    type Query = Query;
    type Answer = Answer;
    const KIND: Kind = Kind::KeyValue;
    const VERSIONS: &'static [IcVersion] = &[
        IcVersion::new(4, 0),
        IcVersion::new(3, 0),
        IcVersion::new(1, 0),
    ];
    const CLASS: Guid = Guid::new(0xa9a0_f4e7_5a45_4d96_b827_8a84_1e8c_03e6);
    const INSTANCE: Guid = Guid::new(0x242f_f919_07db_4180_9c2e_b86c_b68c_8c55);

    fn write(query: &Query) -> Vec<u8> {
        query.body.clone()
    }

    fn read(query: Query, reply: &Reply) -> Result<Step<Query, Answer>, Rejection> {
        let there = match reply.status {
            0 => true,
            NO_MORE_ITEMS | NOT_FOUND => false,
            status => return Err(Rejection::Status(status)),
        };
        let at = |at: usize| reply.body.get(at..).ok_or(Rule::Short);
        let record = || {
            let record = at(HEADER_BYTES + INDEX_BYTES)?;
            Ok::<_, Rule>(Record {
                key: value::decode_key(record)?,
                value: value::decode_value(record)?,
            })
        };
        let answer = match (query.want, there) {
            (Want::Records { pool, so_far }, true) => {
                return Ok(next(pool, so_far, record()?));
            }
            (Want::Records { so_far, .. }, false) => Answer::Records {
                records: so_far,
                more: false,
            },
            (Want::Find { pool, key, index }, true) => {
                return further(pool, key, index, record()?);
            }
            (Want::Nothing | Want::Value | Want::Record | Want::Find { .. } | Want::Ip, false) => {
                Answer::NotThere
            }
            (Want::Nothing, true) => Answer::Done,
            (Want::Value, true) => Answer::Value(value::decode_value(at(HEADER_BYTES)?)?),
            (Want::Record, true) => Answer::Record(record()?),
            (Want::Ip, true) => Answer::Ip(ip::decode(at(IP_HEADER_BYTES)?)?),
        };
        Ok(Step::Done(answer))
    }
}

/// One more record of a list.
fn next(pool: Pool, mut records: Vec<Record>, record: Record) -> Step<Query, Answer> {
    if records.len() >= LIST_LIMIT {
        return Step::Done(Answer::Records {
            records,
            more: true,
        });
    }
    records.push(record);
    let index = u32::try_from(records.len()).unwrap_or(u32::MAX);
    Step::Ask(Query {
        want: Want::Records {
            pool,
            so_far: records,
        },
        body: enumerate(pool, index),
    })
}

/// One record further in the search for a key.
fn further(
    pool: Pool,
    key: String,
    index: u32,
    record: Record,
) -> Result<Step<Query, Answer>, Rejection> {
    if record.key == key {
        return Ok(Step::Done(Answer::Value(record.value)));
    }
    let index = index.saturating_add(1);
    if usize::try_from(index).unwrap_or(usize::MAX) >= LIST_LIMIT {
        let rule = format!("{LIST_LIMIT} records of the pool, and the key is none of them");
        return Err(Rejection::Malformed(rule));
    }
    Ok(Step::Ask(Query {
        want: Want::Find { pool, key, index },
        body: enumerate(pool, index),
    }))
}

impl From<Rule> for Rejection {
    fn from(rule: Rule) -> Self {
        Self::Malformed(rule.to_string())
    }
}

#[cfg(test)]
mod tests;
