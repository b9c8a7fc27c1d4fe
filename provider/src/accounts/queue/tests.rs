use std::{future::poll_fn, pin::pin, task::Poll};

use super::*;

fn requester(lane: Lane, group: &str) -> Requester {
    Requester {
        lane,
        group: group.to_owned(),
        presence: Presence::default(),
    }
}

fn other(group: &str) -> Requester {
    requester(Lane::Normal, group)
}

fn queue(slots: usize) -> Queue {
    Queue::new(NonZeroUsize::new(slots).expect("some slots"))
}

/// Waits in a separate task, which returns the requester when it gets its slot.
async fn waits(
    queue: &Queue,
    requester: &Requester,
) -> tokio::task::JoinHandle<Result<(), NoSlot>> {
    let queue = queue.clone();
    let requester = requester.clone();
    let waiting = tokio::spawn(async move { queue.acquire(&requester).await.map(drop) });
    tokio::task::yield_now().await;
    waiting
}

#[tokio::test]
async fn a_slot_that_ends_is_the_next_ones() {
    let queue = queue(2);
    let held = queue.acquire(&other("a")).await.expect("a slot");
    let next = waits(&queue, &other("b")).await;
    assert!(
        !next.is_finished(),
        "one slot is reserved for the priority lane"
    );
    queue
        .acquire(&requester(Lane::Priority, "k"))
        .await
        .expect("a slot");
    drop(held);
    assert_eq!(next.await.expect("no panic"), Ok(()));
    let state = queue.lock();
    assert_eq!((state.working, state.normal_working), (0, 0));
}

#[tokio::test]
async fn normal_requests_never_fill_the_priority_lane() {
    let queue = queue(2);
    let held = queue.acquire(&other("a")).await.expect("a slot");
    let mut waiting = Vec::new();
    for _ in 0..NORMAL_PLACES {
        waiting.push(waits(&queue, &other("a")).await);
    }
    assert_eq!(
        queue.acquire(&other("a")).await.err(),
        Some(NoSlot::Busy(Busy::OwnGroup))
    );
    queue
        .acquire(&requester(Lane::Priority, "k"))
        .await
        .expect("at once");
    // A requester of another group has the place of the crowd's last one, and the second turn.
    let elsewhere = waits(&queue, &other("b")).await;
    assert_eq!(
        waiting.pop().expect("one").await.expect("no panic"),
        Err(NoSlot::Busy(Busy::OwnGroup))
    );
    drop(held);
    assert_eq!(elsewhere.await.expect("no panic"), Ok(()));
    for one in waiting {
        assert_eq!(one.await.expect("no panic"), Ok(()));
    }
}

#[tokio::test]
async fn groups_take_turns() {
    let queue = queue(1);
    let held = queue.acquire(&other("a")).await.expect("a slot");
    let order = Arc::new(Mutex::new(String::new()));
    let mut waiting = Vec::new();
    for group in ["a", "a", "a", "b", "c", "b"] {
        let queue = queue.clone();
        let order = order.clone();
        waiting.push(tokio::spawn(async move {
            let slot = queue.acquire(&other(group)).await.expect("a slot");
            order.lock().expect("no panic").push_str(group);
            drop(slot);
        }));
        tokio::task::yield_now().await;
    }
    drop(held);
    for one in waiting {
        one.await.expect("no panic");
    }
    assert_eq!(*order.lock().expect("no panic"), "abcaba");
}

#[tokio::test]
async fn an_abandoned_request_takes_no_place_and_no_slot() {
    let queue = queue(1);
    let held = queue.acquire(&other("a")).await.expect("a slot");
    let mut gone = Vec::new();
    for number in 0..NORMAL_PLACES {
        let requester = other(&number.to_string());
        gone.push((waits(&queue, &requester).await, requester.presence));
    }
    assert_eq!(
        queue.acquire(&other("new")).await.err(),
        Some(NoSlot::Busy(Busy::Server))
    );
    for (_, presence) in &gone {
        presence.end();
    }
    let stays = waits(&queue, &other("stays")).await;
    assert_eq!(
        queue.lock().normal.waiters.len(),
        1,
        "their places are free"
    );
    for (waiting, presence) in gone {
        assert_eq!(waiting.await.expect("no panic"), Err(NoSlot::Abandoned));
        assert_eq!(
            queue
                .acquire(&Requester {
                    presence,
                    ..other("late")
                })
                .await
                .err(),
            Some(NoSlot::Abandoned)
        );
    }
    drop(held);
    assert_eq!(stays.await.expect("no panic"), Ok(()));
}

#[tokio::test]
async fn an_abandoned_slot_passes_to_the_next_waiter() {
    let queue = queue(1);
    let held = queue.acquire(&other("a")).await.expect("a slot");
    let requester = other("b");
    let mut given_up = Box::pin(queue.acquire(&requester));
    assert!(poll_fn(|context| Poll::Ready(given_up.as_mut().poll(context).is_pending())).await);
    let next = waits(&queue, &other("c")).await;
    drop(held);
    // The slot is assigned already when the waiting request ends.
    drop(given_up);
    assert_eq!(next.await.expect("no panic"), Ok(()));
    assert!(pin!(queue.acquire(&other("d"))).await.is_ok());
}

#[tokio::test]
async fn the_known_leave_others_a_turn() {
    let queue = queue(2);
    let first = queue.acquire(&other("a")).await.expect("a slot");
    let second = queue
        .acquire(&requester(Lane::Priority, "k"))
        .await
        .expect("a slot");
    let other = waits(&queue, &other("b")).await;
    let mut known = Vec::new();
    for number in 0..PRIORITY_PLACES {
        known.push(waits(&queue, &requester(Lane::Priority, &number.to_string())).await);
    }
    drop(first);
    drop(second);
    assert_eq!(other.await.expect("no panic"), Ok(()));
    for one in known {
        assert_eq!(one.await.expect("no panic"), Ok(()));
    }
}
