//! The types of messages, as Linux's `include/linux/hyperv.h` numbers them.

pub(super) const OFFER: u32 = 1;
pub(super) const RESCIND: u32 = 2;
pub(super) const REQUEST_OFFERS: u32 = 3;
pub(super) const ALL_OFFERS_DELIVERED: u32 = 4;
pub(super) const OPEN: u32 = 5;
pub(super) const OPEN_RESULT: u32 = 6;
pub(super) const CLOSE: u32 = 7;
pub(super) const GPADL_HEADER: u32 = 8;
pub(super) const GPADL_BODY: u32 = 9;
pub(super) const GPADL_CREATED: u32 = 10;
pub(super) const GPADL_TEARDOWN: u32 = 11;
pub(super) const GPADL_TORN_DOWN: u32 = 12;
pub(super) const RELID_RELEASED: u32 = 13;
pub(super) const INITIATE_CONTACT: u32 = 14;
pub(super) const VERSION_RESPONSE: u32 = 15;
pub(super) const UNLOAD: u32 = 16;
pub(super) const UNLOAD_RESPONSE: u32 = 17;
pub(super) const SOCKET_CONNECT: u32 = 21;
pub(super) const MODIFY_CHANNEL: u32 = 22;
pub(super) const MODIFY_RESPONSE: u32 = 24;
