//! Arbitrary writes, reads and unmaps, held against a vector.

use proptest::prelude::*;

use crate::guest::{Driver, SECTORS, content, controller, read, transfer, write};

#[derive(Debug, Clone)]
enum Step {
    Write {
        first: usize,
        count: usize,
        fill: u8,
        offset: usize,
    },
    Read {
        first: usize,
        count: usize,
    },
    Unmap {
        first: usize,
        count: usize,
    },
    Same {
        first: usize,
        count: usize,
        fill: u8,
    },
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    let span = || {
        (0..SECTORS, prop_oneof![4 => 1_usize..20, 1 => 1_usize..500])
            .prop_map(|(first, count)| (first, count.min(SECTORS - first)))
    };
    prop_oneof![
        4 => (span(), any::<u8>(), 0_usize..4096).prop_map(|((first, count), fill, offset)| {
            Step::Write { first, count, fill, offset }
        }),
        4 => span().prop_map(|(first, count)| Step::Read { first, count }),
        1 => span().prop_map(|(first, count)| Step::Unmap { first, count }),
        1 => (span(), any::<u8>()).prop_map(|((first, count), fill)| {
            Step::Same { first, count, fill }
        }),
        1 => Just(Step::Flush),
    ]
}

fn take(driver: &mut Driver, model: &mut [u8], step: &Step) {
    let sectors = |first: usize, count: usize| first * 512..(first + count) * 512;
    match *step {
        Step::Write {
            first,
            count,
            fill,
            offset,
        } => {
            let bytes: Vec<u8> = (0..count * 512)
                .map(|at| fill ^ u8::try_from(at % 256).unwrap())
                .collect();
            let answer = driver.tell([0; 3], &write(first, count), &bytes, offset);
            assert_eq!((answer.srb_status, answer.moved), (1, count * 512));
            model[sectors(first, count)].copy_from_slice(&bytes);
        }
        Step::Read { first, count } => {
            let answer = driver.ask([0; 3], &read(first, count), count * 512);
            assert_eq!((answer.srb_status, answer.moved), (1, count * 512));
            assert!(answer.data == model[sectors(first, count)]);
        }
        Step::Unmap { first, count } => {
            let mut list = vec![0, 22, 0, 16, 0, 0, 0, 0];
            list.extend((first as u64).to_be_bytes());
            list.extend(u32::try_from(count).unwrap().to_be_bytes());
            list.extend([0; 4]);
            let answer = driver.tell([0; 3], &transfer(0x42, 0, 24), &list, 0);
            assert_eq!((answer.srb_status, answer.moved), (1, 24));
            model[sectors(first, count)].fill(0);
        }
        Step::Same { first, count, fill } => {
            let cdb = transfer(0x41, first, count);
            let answer = driver.tell([0; 3], &cdb, &[fill; 512], 0);
            assert_eq!(answer.srb_status, 1);
            model[sectors(first, count)].fill(fill);
        }
        Step::Flush => {
            let answer = driver.tell([0; 3], &transfer(0x35, 0, 0), &[], 0);
            assert_eq!(answer.srb_status, 1);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_disk_is_like_a_vector(steps in prop::collection::vec(step(), 1..30)) {
        let (mut driver, handle, _) = controller(&[0]);
        let mut model = content(0);
        for step in &steps {
            take(&mut driver, &mut model, step);
        }
        prop_assert_eq!(handle.take_faults(), vec![]);
        let mut bytes = vec![0; SECTORS * 512];
        handle.remove(0).unwrap().read_exact_at(0, &mut bytes).unwrap();
        prop_assert!(bytes == model);
    }
}
