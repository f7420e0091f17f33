//! A bounded number of workers, and one who tells what they did.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::output::StatusLine;

/// Works through the items, so many at a time; `tell` hears of each as it ends, on this thread.
///
/// Once `cancel` is set nothing further is begun. It is set, too, where telling fails.
pub(super) fn work<I: Sync, A: Send>(
    items: &[I],
    jobs: usize,
    cancel: &AtomicBool,
    make: impl Fn(&I) -> A + Sync,
    mut tell: impl FnMut(usize, A, &mut StatusLine) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..jobs.min(items.len()) {
            let (sender, next, make) = (sender.clone(), &next, &make);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let stop = cancel.load(Ordering::Relaxed);
                    let Some(item) = items.get(index).filter(|_| !stop) else {
                        return;
                    };
                    if sender.send((index, make(item))).is_err() {
                        return;
                    }
                }
            });
        }
        // Only workers hold one now: the telling ends with the last of them.
        drop(sender);
        let mut status = StatusLine::new();
        for (done, (index, answer)) in receiver.iter().enumerate() {
            if let Err(error) = tell(index, answer, &mut status) {
                cancel.store(true, Ordering::Relaxed);
                return Err(error.into());
            }
            status.say(&format!("{} of {} machines", done + 1, items.len()));
        }
        status.say("");
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicI32;

    use super::*;

    #[test]
    fn no_more_than_asked_for_at_a_time_and_each_once() {
        let (now, most) = (AtomicI32::new(0), AtomicI32::new(0));
        let items: Vec<usize> = (0..50).collect();
        let told = Mutex::new(Vec::new());
        let make = |item: &usize| {
            let running = now.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(running, Ordering::SeqCst);
            thread::yield_now();
            now.fetch_sub(1, Ordering::SeqCst);
            item * 2
        };
        work(
            &items,
            3,
            &AtomicBool::new(false),
            make,
            |index, answer, _| {
                assert_eq!(answer, index * 2);
                told.lock().unwrap().push(index);
                Ok(())
            },
        )
        .unwrap();
        let mut told = told.into_inner().unwrap();
        told.sort_unstable();
        assert_eq!(told, items);
        assert!(most.into_inner() <= 3);
    }

    #[test]
    fn nothing_is_begun_once_it_is_to_end() {
        let cancel = AtomicBool::new(false);
        let items: Vec<usize> = (0..50).collect();
        let mut told = 0;
        let make = |_: &usize| cancel.store(true, Ordering::Relaxed);
        work(&items, 1, &cancel, make, |_, (), _| {
            told += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!(told, 1);
        // Nobody listens: that ends it, too.
        cancel.store(false, Ordering::Relaxed);
        let refused = work(
            &items,
            2,
            &cancel,
            |_| (),
            |_, (), _| Err(std::io::ErrorKind::BrokenPipe.into()),
        );
        assert!(refused.is_err() && cancel.into_inner());
    }
}
