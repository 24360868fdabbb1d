//! Real processes, killed as a power cut would: what was accepted is carried out, and each effect takes place once.

mod messages;
mod servers;
mod workers;

use onward_testkit::standin::StandIn;
use sqlx::PgPool;

use crate::place::Place;

/// Two effects at the shop, one before and one after a pause. `query` is added to the first.
fn two_effects(pause: &str, query: &str) -> String {
    format!(
        "version: 1
name: two-effects
triggers: [{{ type: webhook, config: {{ endpoint: two }} }}]
steps:
  - id: first
    type: http.request
    config: {{ method: PUT, url: 'http://shop.test/reports/first-{{{{ run.id }}}}', query: {query}, body: 1 }}
    timeout: 1m
  - {{ id: pause, type: wait, config: {{ for: {pause} }} }}
  - id: second
    type: http.request
    config: {{ method: PUT, url: 'http://shop.test/reports/second-{{{{ run.id }}}}', body: 2 }}
"
    )
}

/// Settings with which `shop.test` is the stand-in.
fn with_shop(shop: &StandIn) -> Vec<(&'static str, String)> {
    vec![("ONWARD_HTTP_HOSTS", format!("shop.test={}", shop.address())), ("ONWARD_ALLOW_HTTP_HOSTS", "1".to_owned())]
}

async fn deploy(place: &Place, name: &str, text: &str) {
    place.write(name, text);
    place.ask(&["deploy", "--yes", name]).await;
}

async fn count(pool: &PgPool, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement).fetch_one(pool).await.expect("count")
}

/// From here on every change of a stored checkpoint is written down beside it.
async fn watch_checkpoints(pool: &PgPool) {
    let statements = "
        create table public.changed (path text);
        create function public.note() returns trigger language plpgsql as $$
        begin
            insert into public.changed values (old.path);
            return coalesce(new, old);
        end $$;
        create trigger watched before update or delete on onward.checkpoint
            for each row execute function public.note();";
    sqlx::raw_sql(statements).execute(pool).await.expect("watch the checkpoints");
}

/// No checkpoint has changed, and no success was followed by another attempt.
async fn assert_checkpoints_stood(pool: &PgPool) {
    assert_eq!(count(pool, "select count(*) from public.changed").await, 0, "a stored checkpoint never changes");
    let again = "select count(*) from onward.checkpoint early join onward.checkpoint late using (run_id, path)
                 where early.status = 'succeeded' and late.attempt > early.attempt";
    assert_eq!(count(pool, again).await, 0, "a success never runs again");
}
