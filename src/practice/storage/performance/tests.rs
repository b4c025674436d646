//! The models against their documentation: properties, and a calculation of its own written from the formulas.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "figures are compared with ones calculated in fractions"
)]

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::meter::{Meter, Minute, Standing, Tally};
use super::operation::Request;
use super::share::Share;
use super::throughput::Mode;
use super::{Device, PageCache, Rates, Throughput};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;

fn at(seconds: i64) -> Timestamp {
    Timestamp::new(1_790_000_000 + seconds, 0).unwrap()
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

fn later(from: Timestamp, milliseconds: u64) -> Timestamp {
    from + SignedDuration::from_millis(i64::try_from(milliseconds).unwrap())
}

#[test]
fn rates_are_those_of_the_documentation() {
    // The examples of "Bursting throughput": size in GiB, baseline and burst in MiB/s.
    for (gib, baseline, burst) in [
        (1, 1.0, 100.0),
        (20, 1.0, 100.0),
        (256, 12.5, 100.0),
        (512, 25.0, 100.0),
        (1024, 50.0, 100.0),
        (2048, 100.0, 200.0),
    ] {
        let rates = Rates::of(gib * GIB);
        let mib = |rate: u64| rate as f64 / MIB as f64;
        assert!(
            (mib(rates.baseline) - baseline).abs() < 0.001,
            "{gib} GiB: {rates:?}"
        );
        assert!(
            (mib(rates.burst) - burst).abs() < 0.001,
            "{gib} GiB: {rates:?}"
        );
    }
    // "12 % of the time" and "180 minutes a day" for 256 GiB: what is earned in a day, burst away.
    let rates = Rates::of(256 * GIB);
    let minutes = rates.earned as f64 * 86_400.0 / rates.burst as f64 / 60.0;
    assert!((minutes - 180.0).abs() < 0.1, "{minutes}");
    assert_eq!(Throughput::new(at(0)).credits(at(0), 0), 2_308_974_418_330);
}

#[test]
fn a_fresh_filesystem_writes_at_the_burst_rate_and_reads_three_times_as_fast() {
    let mut throughput = Throughput::new(at(0));
    let written = throughput.serve(at(0), 3 * GIB, GIB);
    assert_eq!(seconds(at(0), written), 10.24);
    let read = throughput.serve(written, GIB, GIB);
    assert!((seconds(written, read) - 10.24 / 3.0).abs() < 1e-6);
    let spent = 2_308_974_418_330 - throughput.credits(read, GIB);
    let earned = (50.0 * 1024.0 * seconds(at(0), read)) as u64;
    assert!(spent.abs_diff(GIB + GIB / 3 - earned) <= 2, "{spent}");
}

/// The documentation's rules as a calculation with fractions, second by second of what is left: how long `metered` bytes
/// take a filesystem that stores `gib` GiB and has `credits`, and what credits are left.
fn by_hand(gib: f64, credits: f64, metered: f64) -> (f64, f64) {
    let (kib, mib) = (1024.0, 1024.0 * 1024.0);
    let earns = gib * 50.0 * kib;
    let burst = if gib <= 1024.0 {
        100.0 * mib
    } else {
        gib / 1024.0 * 100.0 * mib
    };
    let floor = if earns > mib { earns } else { mib };
    // Credits last for: credits + earns t = burst t.
    let lasts = credits / (burst - earns);
    if burst * lasts >= metered {
        let time = metered / burst;
        return (time, credits + earns * time - metered);
    }
    (lasts + (metered - burst * lasts) / floor, 0.0)
}

proptest! {
    #[test]
    fn the_model_agrees_with_the_documentation_calculated_by_hand(
        gib in 1_u64..4096,
        credits_mib in 0_u64..400_000,
        metered_mib in 1_u64..400_000,
    ) {
        let mut throughput = Throughput::new(at(0)).with_credits(credits_mib * MIB);
        let end = throughput.serve(at(0), 3 * metered_mib * MIB, gib * GIB);
        let (mib, size) = (MIB as f64, gib as f64);
        let (time, left) = by_hand(size, credits_mib as f64 * mib, metered_mib as f64 * mib);
        let took = seconds(at(0), end);
        prop_assert!((took - time).abs() <= 1e-6 * time.max(1.0), "{took} s, by hand {time} s");
        let credits = throughput.credits(end, gib * GIB) as f64;
        prop_assert!((credits - left).abs() <= 1024.0 + 1e-9 * left, "{credits}, by hand {left}");
    }

    #[test]
    fn credits_stay_between_nothing_and_the_cap(
        gib in 0_u64..3000,
        steps in prop::collection::vec((0_u64..100_000_000, 0_u64..3 * 40 * GIB), 1..40),
    ) {
        let mut throughput = Throughput::new(at(0));
        let mut now = at(0);
        for (pause, thirds) in steps {
            now = later(now, pause);
            throughput.serve(now, thirds, gib * GIB);
            prop_assert!(throughput.credits(now, gib * GIB) <= Rates::of(gib * GIB).cap);
            let (rested, large) = (later(now, 1_000_000_000_000), 4 * TIB);
            prop_assert_eq!(throughput.credits(rested, large), Rates::of(large).cap);
        }
    }

    #[test]
    fn no_window_serves_more_than_is_permitted(
        gib in 0_u64..3000,
        credits_mib in 0_u64..10_000,
        steps in prop::collection::vec((0_u64..20_000, 0_u64..3 * GIB), 1..40),
    ) {
        let mut throughput = Throughput::new(at(0)).with_credits(credits_mib * MIB);
        let rates = Rates::of(gib * GIB);
        let mut now = at(0);
        let mut served: Vec<(Timestamp, u64)> = Vec::new();
        for (pause, thirds) in steps {
            now = later(now, pause);
            let begun = throughput.busy_until().max(now);
            let end = throughput.serve(now, thirds, gib * GIB);
            served.push((begun, 0));
            served.push((end, thirds));
        }
        // From any beginning to any end: at most burst, and at most what there was and was earned, or the floor.
        for (i, (from, _)) in served.iter().enumerate().step_by(2) {
            let mut metered = 0.0;
            for (to, thirds) in &served[i..] {
                metered += *thirds as f64 / 3.0;
                let window = seconds(*from, *to);
                let burst = rates.burst as f64 * window;
                prop_assert!(metered <= burst + 1024.0, "{metered} in {window} s");
                let since = seconds(at(0), *to);
                let saved = (credits_mib * MIB) as f64 + rates.earned as f64 * since;
                prop_assert!(metered <= saved + rates.baseline as f64 * window + 1024.0);
            }
        }
    }

    #[test]
    fn parts_take_the_time_of_the_whole(
        gib in 0_u64..3000,
        credits_mib in 0_u64..3000,
        parts in prop::collection::vec(0_u64..3 * GIB, 1..60),
    ) {
        let fresh = Throughput::new(at(0)).with_credits(credits_mib * MIB);
        let (mut whole, mut one_by_one, mut waiting) = (fresh.clone(), fresh.clone(), fresh);
        let end = whole.serve(at(0), parts.iter().sum(), gib * GIB);
        let mut now = at(0);
        for part in &parts {
            one_by_one.serve(at(0), *part, gib * GIB);
            now = waiting.serve(now, *part, gib * GIB);
        }
        let close = |other: Timestamp| other.duration_since(end).abs() <= SignedDuration::from_nanos(64);
        prop_assert!(close(one_by_one.busy_until()), "{} {end}", one_by_one.busy_until());
        prop_assert!(close(now), "{now} {end}");
    }

    #[test]
    fn a_volume_has_its_bytes_and_its_operations_a_second(
        parts in prop::collection::vec(1_u64..4 * MIB, 1..60),
    ) {
        let mut device = Device::new(at(0));
        let mut now = at(0);
        for part in &parts {
            now = device.serve(now, *part);
        }
        let bytes = parts.iter().sum::<u64>() as f64 / (125.0 * MIB as f64);
        let operations = parts.iter().map(|part| part.div_ceil(256 * 1024)).sum::<u64>() as f64 / 3000.0;
        let took = seconds(at(0), now);
        prop_assert!(took + 1e-6 >= bytes.max(operations), "{took} {bytes} {operations}");
        prop_assert!(took <= bytes + operations + 1e-6);
    }

    #[test]
    fn what_is_metered_is_what_was_transferred_whatever_minutes_it_falls_in(
        credits_mib in 0_u64..2000,
        steps in prop::collection::vec((0_u64..200_000, 0_u64..3 * GIB), 1..40),
    ) {
        let throughput = Throughput::new(at(7)).with_credits(credits_mib * MIB);
        let mut share = Share::restore(throughput, Meter::default());
        let (mut now, mut reads, mut writes, mut spent) = (at(7), Tally::default(), Tally::default(), 0);
        for (pause, bytes) in steps {
            now = later(now, pause);
            share.serve(now, Request::Read(bytes), 0, 1);
            share.serve(now, Request::Write(bytes / 5), 0, 1);
            share.serve(now, Request::Look, 0, 1);
            let count = |tally: &mut Tally, bytes: u64| {
                tally.sum += bytes;
                tally.count += bytes.div_ceil(MIB);
            };
            count(&mut reads, bytes);
            count(&mut writes, bytes / 5);
            // In thirds: no operation is less than 4 KiB, discounted or not.
            let rest = |bytes: u64, least: u64| if bytes.is_multiple_of(MIB) { 0 } else { (bytes % MIB).max(least) };
            spent += bytes / MIB * MIB + rest(bytes, 12 * 1024);
            spent += 3 * (bytes / 5 / MIB * MIB + rest(bytes / 5, 4096)) + 3 * 4096;
        }
        let end = share.throughput().busy_until();
        let all: Vec<(Timestamp, Minute)> = share.meter().between(at(0), later(end, 1)).collect();
        let sum = |of: fn(&Minute) -> Tally| all.iter().map(|(_, one)| of(one)).fold(Tally::default(), Tally::and);
        prop_assert_eq!((sum(|one| one.reads).sum, sum(|one| one.reads).count), (reads.sum, reads.count));
        prop_assert_eq!((sum(|one| one.writes).sum, sum(|one| one.writes).count), (writes.sum, writes.count));
        prop_assert_eq!(sum(|one| one.metered_thirds).sum, spent);
        for (start, one) in &all {
            let standing = one.standing.unwrap();
            prop_assert!(*start < standing.at && standing.at <= later(*start, 60_000));
            // What is done in a minute is done at the permitted rate, but for the one operation that began before it.
            let metered = one.metered_thirds.sum as f64 / 3.0 - one.metered_thirds.largest as f64 / 3.0;
            prop_assert!(metered <= 60.0 * 100.0 * MIB as f64 + 1.0);
        }
    }

    #[test]
    fn the_credits_of_each_minute_are_those_of_the_calculation_by_hand(
        gib in 1_u64..4096,
        credits_mib in 1_u64..60_000,
    ) {
        let throughput = Throughput::new(at(0)).with_credits(credits_mib * MIB);
        let mut share = Share::restore(throughput, Meter::default());
        share.serve(at(0), Request::Write(100 * GIB), gib * GIB, 1);
        let mib = MIB as f64;
        for (_, one) in share.meter().between(at(0), at(40_000)) {
            let standing = one.standing.unwrap();
            let written = {
                let until = share.meter().between(at(0), standing.at);
                until.map(|(_, one)| one.writes.sum).sum::<u64>() as f64
            };
            let (took, left) = by_hand(gib as f64, credits_mib as f64 * mib, written);
            prop_assert!((seconds(at(0), standing.at) - took).abs() < 1e-3);
            prop_assert!((standing.credits as f64 - left).abs() < 2048.0, "{standing:?} {left}");
        }
    }
}

#[test]
fn without_credits_the_floor_is_left_and_rest_brings_credits_back() {
    let mut throughput = Throughput::new(at(0)).with_credits(0);
    let end = throughput.serve(at(0), 3 * 60 * MIB, GIB);
    assert_eq!(seconds(at(0), end), 60.0);
    assert_eq!(throughput.credits(end, GIB), 0);
    assert_eq!(throughput.permitted(end, GIB), MIB);
    let rested = later(end, 100_000);
    assert_eq!(throughput.credits(rested, GIB), 100 * 50 * 1024);
    assert_eq!(throughput.permitted(rested, GIB), 100 * MIB);
}

#[test]
fn throughput_survives_being_written_down() {
    let mut throughput = Throughput::new(at(0));
    throughput.serve(at(3), 1234, GIB);
    let text = serde_json::to_string(&throughput).unwrap();
    let back: Throughput = serde_json::from_str(&text).unwrap();
    assert_eq!(back, throughput);
}

#[test]
fn a_transfer_is_spread_over_the_minutes_it_takes() {
    let mut share = Share::new(at(0));
    // 6 GiB at 100 MiB/s: 61.44 s, from second 20 of a minute on.
    let from = at(0);
    let offset = from.as_second().rem_euclid(60);
    let done = share.serve(from, Request::Write(6 * GIB), 0, 2);
    assert!((seconds(from, done) - 61.44).abs() < 1e-6);
    let minutes: Vec<_> = share.meter().between(from, done).collect();
    let first = u64::try_from(60 - offset).unwrap();
    assert_eq!(minutes[0].1.writes.sum, first * 100 * MIB);
    let total = minutes.iter().map(|(_, one)| one.total());
    let total = total.fold(Tally::default(), Tally::and);
    let expected = Tally {
        count: 6 * 1024,
        sum: 6 * GIB,
        smallest: MIB,
        largest: MIB,
    };
    assert_eq!(total, expected);
    let (_, last) = minutes.last().unwrap();
    assert_eq!(last.connections, 2);
    assert_eq!(last.standing.unwrap().permitted, 100 * MIB);
    let (state, written) = share.take_unwritten().unwrap();
    assert_eq!(state, *share.throughput());
    assert_eq!(written.len(), minutes.len());
    assert!(share.take_unwritten().is_none());
}

#[test]
fn one_client_has_at_most_its_share_of_a_large_filesystem() {
    let took = |request| seconds(at(0), Share::new(at(0)).serve(at(0), request, 10 * TIB, 1));
    assert_eq!(took(Request::Write(500 * MIB)), 1.0);
    // Reads count a third; then the network of the instance is what is full.
    assert_eq!(took(Request::Read(625_000_000)), 1.0);
}

#[test]
fn small_operations_are_metered_at_four_kibibytes_reads_without_their_discount() {
    let mut share = Share::new(at(0));
    share.serve(at(0), Request::Read(10), 0, 1);
    share.serve(at(0), Request::Read(6000), 0, 1);
    share.serve(at(0), Request::Write(10), 0, 1);
    share.serve(at(0), Request::Look, 0, 1);
    let (_, minute) = share.meter().between(at(0), at(1)).next().unwrap();
    assert_eq!(minute.metered_bytes(), 4 * 4096);
    assert_eq!(minute.metered_thirds.count, 4);
    assert_eq!(minute.total().sum, 10 + 6000 + 10 + 4096);
    assert_eq!(
        (minute.total().smallest, minute.total().largest),
        (10, 6000)
    );
}

#[test]
fn percent_io_limit_weighs_what_reads_against_what_writes() {
    let operations = |count| Tally {
        count,
        ..Tally::default()
    };
    let minute = Minute {
        reads: operations(60 * 10_000),
        metadata: operations(60 * 9_500),
        changes: 60 * 2_000,
        writes: operations(60 * 1_500),
        ..Minute::default()
    };
    assert!((minute.percent_io_limit() - 100.0).abs() < 1e-9);
}

#[test]
fn other_modes_have_their_rate_whatever_the_credits() {
    let mut throughput = Throughput::new(at(0)).with_credits(0);
    throughput.set_mode(Mode::Provisioned(20 * MIB));
    let end = throughput.serve(at(0), 3 * 200 * MIB, GIB);
    assert_eq!(seconds(at(0), end), 10.0);
    assert_eq!(throughput.permitted(end, GIB), 20 * MIB);
    // What is stored gives more than what is provisioned.
    assert_eq!(throughput.permitted(end, TIB), 50 * MIB);
    assert_eq!(throughput.permitted(later(end, 1000), TIB), 100 * MIB);
    throughput.set_mode(Mode::Elastic);
    assert_eq!(throughput.permitted(end, 0), GIB);
}

#[test]
fn what_a_filesystem_earns_while_nothing_is_asked_of_it_is_added_to_what_it_had() {
    let mut share = Share::restore(Throughput::new(at(0)).with_credits(GIB), Meter::default());
    let done = share.serve(at(0), Request::Write(100 * MIB), 200 * GIB, 1);
    let standing = share.meter().standing_before(at(50_000)).unwrap();
    assert_eq!(standing.at, done);
    let left = GIB - 100 * MIB + 200 * 50 * 1024;
    assert!(standing.credits.abs_diff(left) <= 1, "{standing:?}");
    assert_eq!(
        standing.credits_at(later(done, 60_000)),
        standing.credits + 60 * 200 * 50 * 1024
    );
    let far = at(100_000_000);
    assert_eq!(standing.credits_at(far), 2_308_974_418_330);
    assert_eq!(share.meter().standing_before(at(0)), None::<Standing>);
}

#[test]
fn what_was_read_or_written_is_read_again_from_memory_until_it_is_dropped() {
    let mut cache = PageCache::new(10 * MIB);
    let file = (1, 7);
    assert_eq!(cache.read(file, 1, 0, 3 * MIB + 5), 3 * MIB + 5);
    assert_eq!(cache.read(file, 1, 0, 3 * MIB + 5), 0);
    assert_eq!(cache.read(file, 1, 3 * MIB, 100), 95);
    cache.write(file, 1, 2, 3 * MIB + 100, 50);
    assert!(cache.has(file, 2, 0, 3 * MIB + 150));
    assert!(!cache.has(file, 1, 0, 10));
    cache.clear();
    assert_eq!(cache.held(), 0);
    assert_eq!(cache.read(file, 2, 0, 10), 10);
}

#[test]
fn what_another_host_wrote_is_fetched_again() {
    let mut cache = PageCache::new(10 * MIB);
    cache.read((1, 7), 1, 0, MIB);
    assert_eq!(cache.read((1, 7), 2, 0, MIB), MIB);
    assert_eq!(cache.held(), MIB);
}

#[test]
fn more_than_memory_holds_pushes_out_what_was_used_longest_ago() {
    let mut cache = PageCache::new(4 * MIB);
    cache.read((1, 1), 1, 0, 2 * MIB);
    cache.read((1, 2), 1, 0, 2 * MIB);
    cache.read((1, 1), 1, 0, 2 * MIB);
    cache.read((1, 3), 1, 0, MIB);
    assert!(cache.has((1, 1), 1, 0, 2 * MIB));
    assert!(!cache.has((1, 2), 1, 0, MIB));
    assert_eq!(cache.held(), 4 * MIB);
    cache.forget_all_of(1);
    assert_eq!(cache.held(), 0);
}
