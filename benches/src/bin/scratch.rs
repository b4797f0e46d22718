//! x
#![allow(missing_docs, clippy::unwrap_used)]
use attribution_benches::Columns;
use attribution_core::*;
use std::time::Instant;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let columns = Columns::generate(args[1].parse().unwrap());
    let batch = columns.batch().unwrap();
    let n = batch.touches() as f64;
    let mut credits = vec![0.0; batch.touches()];
    let reps: usize = args[2].parse().unwrap();
    for spec in &args[4..] {
        let model = Model::from_spec(spec).unwrap();
        if args[3].contains('c') {
            let best = (0..reps)
                .map(|_| {
                    let t = Instant::now();
                    Engine::new().credits(&model, &batch, &mut credits).unwrap();
                    t.elapsed().as_secs_f64()
                })
                .fold(9e9, f64::min);
            println!("{spec}: credits {:.0} M/s", n / best / 1e6);
        }
        if args[3].contains('s') {
            let e = Engine::new().scopes("global,campaign,account,landing_page".parse().unwrap());
            let best = (0..reps)
                .map(|_| {
                    let t = Instant::now();
                    std::hint::black_box(
                        e.calculate(std::slice::from_ref(&model), &batch).unwrap(),
                    );
                    t.elapsed().as_secs_f64()
                })
                .fold(9e9, f64::min);
            println!("{spec}: exact {:.1} M/s", n / best / 1e6);
        }
        if args[3].contains('g') {
            let e = Engine::new().scopes(ScopeSet::GLOBAL);
            let best = (0..reps)
                .map(|_| {
                    let t = Instant::now();
                    std::hint::black_box(
                        e.calculate(std::slice::from_ref(&model), &batch).unwrap(),
                    );
                    t.elapsed().as_secs_f64()
                })
                .fold(9e9, f64::min);
            println!("{spec}: exact global {:.1} M/s", n / best / 1e6);
        }
    }
}
