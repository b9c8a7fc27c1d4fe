//! Which node of a Redis Cluster has which key.

use redis::{FromRedisValue as _, Value};

use super::dialer::Address;

/// The number of hash slots of every cluster.
pub(super) const SLOTS: u16 = 16384;

/// The hash slot of a key: CRC16 (XMODEM) of the part in braces, if there is one, or of the key.
pub(super) fn slot(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = &key[open + 1..];
        let close = rest.iter().position(|byte| *byte == b'}')?;
        (close > 0).then(|| &rest[..close])
    });
    crc16(tag.unwrap_or(key)) % SLOTS
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc: u16, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            }
        })
    })
}

/// The slots of a cluster: ranges in order, each with its primary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct SlotMap(Vec<Range>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Range {
    first: u16,
    last: u16,
    primary: Address,
}

impl SlotMap {
    /// The answer to `CLUSTER SLOTS` of the node at `asked`; `None` if it names no slots.
    pub(super) fn parse(answer: &Value, asked: &Address) -> Option<Self> {
        let Value::Array(ranges) = answer else {
            return None;
        };
        let mut map: Vec<_> = ranges
            .iter()
            .map(|range| Range::parse(range, asked))
            .collect::<Option<_>>()?;
        map.sort_unstable();
        (!map.is_empty()).then_some(Self(map))
    }

    /// The primary of a slot; `None` if no node has it.
    pub(super) fn primary(&self, slot: u16) -> Option<&Address> {
        let index = self.0.partition_point(|range| range.last < slot);
        let range = self.0.get(index)?;
        (range.first <= slot).then_some(&range.primary)
    }

    /// All primaries, each once.
    pub(super) fn primaries(&self) -> Vec<Address> {
        let mut all: Vec<_> = self.0.iter().map(|range| range.primary.clone()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether every slot has a primary.
    pub(super) fn is_whole(&self) -> bool {
        let mut next = 0;
        for range in &self.0 {
            if range.first > next {
                return false;
            }
            next = range.last + 1;
        }
        next == SLOTS
    }
}

impl Range {
    fn parse(range: &Value, asked: &Address) -> Option<Self> {
        let Value::Array(members) = range else {
            return None;
        };
        let [first, last, Value::Array(primary), ..] = members.as_slice() else {
            return None;
        };
        let [host, port, ..] = primary.as_slice() else {
            return None;
        };
        let number = |value| u16::from_redis_value_ref(value).ok();
        Some(Self {
            first: number(first)?,
            last: number(last).filter(|last| *last < SLOTS)?,
            primary: Address::new(host_of(host, asked)?, number(port)?),
        })
    }
}

/// The host of a node. One that does not know its own address leaves it out, and is where the
/// answer came from.
fn host_of(host: &Value, asked: &Address) -> Option<String> {
    let host = Option::<String>::from_redis_value_ref(host).ok()?;
    let host = host.filter(|host| !host.is_empty() && host != "?");
    Some(host.unwrap_or_else(|| asked.host.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the Redis Cluster specification, and answers of `CLUSTER KEYSLOT`.
    #[test]
    fn keys_have_the_slots_that_redis_gives_them() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot(b"foo"), 12182);
        assert_eq!(slot(b"{user1000}.following"), slot(b"user1000"));
        assert_eq!(slot(b"foo{}{bar}"), crc16(b"foo{}{bar}") % SLOTS);
        assert_eq!(slot(b"foo{{bar}}zap"), slot(b"{bar"));
        assert_eq!(slot(b"foo{bar}{zap}"), slot(b"bar"));
        assert_eq!(slot(b"foo{bar"), crc16(b"foo{bar") % SLOTS);
    }

    fn range(first: i64, last: i64, host: &str, port: i64) -> Value {
        let host = Value::BulkString(host.as_bytes().to_vec());
        let node = Value::Array(vec![host, Value::Int(port)]);
        Value::Array(vec![Value::Int(first), Value::Int(last), node])
    }

    #[test]
    fn a_map_is_read_and_asked() {
        let asked = Address::new("seed", 7000);
        let ranges = vec![range(8192, 16383, "b", 2), range(0, 8191, "", 1)];
        let map = SlotMap::parse(&Value::Array(ranges), &asked).expect("a map");
        assert_eq!(map.primary(0), Some(&Address::new("seed", 1)));
        assert_eq!(map.primary(8191), Some(&Address::new("seed", 1)));
        assert_eq!(map.primary(8192), Some(&Address::new("b", 2)));
        assert_eq!(map.primary(16383), Some(&Address::new("b", 2)));
        assert!(map.is_whole());
        assert_eq!(map.primaries().len(), 2);
        let holes = vec![range(1, 10, "a", 1), range(20, 30, "a", 1)];
        let map = SlotMap::parse(&Value::Array(holes), &asked).expect("a map");
        assert!(!map.is_whole());
        for slot in [0, 11, 19, 31] {
            assert_eq!(map.primary(slot), None, "{slot}");
        }
        assert_eq!(SlotMap::parse(&Value::Array(Vec::new()), &asked), None);
        let beyond = vec![range(0, 16384, "a", 1)];
        assert_eq!(SlotMap::parse(&Value::Array(beyond), &asked), None);
    }
}
