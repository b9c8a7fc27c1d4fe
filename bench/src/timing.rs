//! Whether response times reveal if an address has an account: probes of addresses with and without
//! one, in random order, and how often a guess by the best threshold is right.

use std::{path::Path, time::Duration};

use testkit::cookies::CookieJar;

use crate::{
    Outcome, clock, context,
    deployment::{Deployment, Engine},
    scenario::VirtualUser,
    wire::Wire,
};

/// The number of addresses with an account, and of addresses without.
const ADDRESSES: usize = 40;
/// The number of probes for one address.
const PROBES: usize = 8;
/// How often each address is probed. A password costs a hash, so it is probed once.
const ROUNDS_OF_CODES: usize = 8;
const ROUNDS_OF_PASSWORDS: usize = 1;

/// A form to probe, with the guessed field.
struct Form {
    name: &'static str,
    action: &'static str,
    field: &'static str,
    rounds: usize,
}

const FORMS: [Form; 2] = [
    Form {
        name: "recovery code",
        action: "/actions/recover",
        field: "code",
        rounds: ROUNDS_OF_CODES,
    },
    Form {
        name: "password",
        action: "/actions/sign_in",
        field: "password",
        rounds: ROUNDS_OF_PASSWORDS,
    },
];

/// Times in microseconds, of addresses with and without an account: one row of probes for each
/// address and round.
struct Times {
    with: Vec<Vec<f64>>,
    without: Vec<Vec<f64>>,
}

/// Probes a server on each engine, and prints a row for each form.
pub(crate) fn measure(binary: &Path) -> Outcome<()> {
    print_head();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(context("threads"))?;
    for (engine, name) in [(Engine::File, "embedded"), (Engine::Redis, "Redis")] {
        let deployment = Deployment::open(engine, binary)?;
        for number in 0..ADDRESSES {
            deployment.add_account(binary, &address(number))?;
        }
        for form in &FORMS {
            let times = runtime
                .block_on(probe(&deployment, form))
                .map_err(|fault| deployment.explain(&fault))?;
            println!("| {name} | {} {}", form.name, times.row());
        }
    }
    Ok(())
}

fn print_head() {
    println!(
        "| engine | form | probes | mean with, without account | median with, without | right by the median of {PROBES} | right by the least of {PROBES} |"
    );
    println!("|---|---|---|---|---|---|---|");
}

/// The first addresses have accounts.
fn address(number: usize) -> String {
    format!("person{number:02}@example.com")
}

async fn probe(deployment: &Deployment, form: &Form) -> Outcome<Times> {
    let (user, token) = deployment.visitor(&CookieJar::new()).await?;
    let mut wire = Wire::connect(deployment.server().address()).await?;
    let mut rng = Xorshift(0x9e37_79b9_7f4a_7c15);
    for number in 0..200 {
        let email = format!("warm{number}@example.com");
        once(&mut wire, &user, &token, form, &email).await?;
    }
    let mut times = Times {
        with: Vec::new(),
        without: Vec::new(),
    };
    for _ in 0..form.rounds {
        let mut round = vec![Vec::new(); 2 * ADDRESSES];
        for number in order(&mut rng) {
            let time = once(&mut wire, &user, &token, form, &address(number)).await?;
            round[number].push(time.as_secs_f64() * 1e6);
        }
        times.without.extend(round.split_off(ADDRESSES));
        times.with.extend(round);
    }
    Ok(times)
}

/// Every address as often as it is probed in a round, in random order.
fn order(rng: &mut Xorshift) -> Vec<usize> {
    let mut order: Vec<usize> = (0..2 * ADDRESSES)
        .flat_map(|number| [number; PROBES])
        .collect();
    rng.shuffle(&mut order);
    order
}

/// Measures one probe.
async fn once(
    wire: &mut Wire,
    user: &VirtualUser,
    token: &str,
    form: &Form,
    email: &str,
) -> Outcome<Duration> {
    let fields = [
        ("form_token", token),
        ("email", email),
        (form.field, "0000-0000-0000-0000"),
        ("request", ""),
    ];
    let request = user.browser_form(form.action, &fields);
    let began = clock::now();
    wire.send(&request).await?.location()?;
    Ok(clock::now() - began)
}

impl Times {
    fn row(&self) -> String {
        let with = self.with.concat();
        let without = self.without.concat();
        let by = |measure: fn(&[f64]) -> f64| {
            let of = |rows: &[Vec<f64>]| rows.iter().map(|row| measure(row)).collect::<Vec<_>>();
            100.0 * accuracy(&of(&self.with), &of(&self.without))
        };
        let least = |row: &[f64]| row.iter().copied().fold(f64::INFINITY, f64::min);
        format!(
            "| {} | {:.1}, {:.1} µs | {:.1}, {:.1} µs | {:.0} % | {:.0} % |",
            with.len() + without.len(),
            mean(&with),
            mean(&without),
            median(&with),
            median(&without),
            by(median),
            by(least)
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn mean(times: &[f64]) -> f64 {
    times.iter().sum::<f64>() / times.len() as f64
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How often a guess by one threshold is right, with the best threshold for these values: one half
/// if times reveal nothing, and a little more, since the threshold is chosen afterwards.
#[expect(clippy::cast_precision_loss, reason = "a few hundred")]
fn accuracy(with: &[f64], without: &[f64]) -> f64 {
    let share = |values: &[f64], threshold: f64| {
        values.iter().filter(|value| **value > threshold).count() as f64 / values.len() as f64
    };
    let right = |threshold: &f64| {
        let right = f64::midpoint(share(with, *threshold), 1.0 - share(without, *threshold));
        right.max(1.0 - right)
    };
    with.iter().chain(without).map(right).fold(0.5, f64::max)
}

/// Pseudorandom numbers (xorshift).
struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn shuffle(&mut self, order: &mut [usize]) {
        for last in (1..order.len()).rev() {
            let place = usize::try_from(self.next() % (last as u64 + 1)).unwrap_or(0);
            order.swap(last, place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_detected_and_its_absence_too() {
        let apart = |by: f64| {
            accuracy(
                &(0..100).map(|n| f64::from(n) + by).collect::<Vec<_>>(),
                &(0..100).map(f64::from).collect::<Vec<_>>(),
            )
        };
        assert!((apart(0.0) - 0.5).abs() < 0.01, "{}", apart(0.0));
        assert!((apart(50.0) - 0.75).abs() < 0.01, "{}", apart(50.0));
        assert!(apart(200.0) > 0.99 && apart(-200.0) > 0.99);
    }

    #[test]
    fn a_shuffle_keeps_all_elements() {
        let mut order: Vec<usize> = (0..100).collect();
        Xorshift(1).shuffle(&mut order);
        assert_ne!(order, (0..100).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }
}
