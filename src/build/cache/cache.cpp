#include "build/cache/cache.hpp"

#include "base/sha256.hpp"
#include "base/sqlite/migrations.hpp"

namespace consort::build {
namespace {

// build_parts has rows of megabytes (every file of a large context). In a table WITHOUT ROWID each look-up that meets
// such a row reads all of it just to compare keys; with a separate index it does not.
constexpr const char* first_schema = R"sql(
CREATE TABLE IF NOT EXISTS build_steps(
  key TEXT PRIMARY KEY, layer TEXT NOT NULL, output TEXT NOT NULL, title TEXT NOT NULL,
  created INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS build_parts(slot TEXT PRIMARY KEY, parts TEXT NOT NULL);
DROP TABLE IF EXISTS build_slots;
CREATE TABLE IF NOT EXISTS build_sources(key TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;
)sql";
constexpr const char* migrations[] = {first_schema};

// A separate part: the tables above stay unchanged for an older program, which neither needs nor knows it.
constexpr const char* bases_schema =
    "CREATE TABLE IF NOT EXISTS build_bases(key TEXT PRIMARY KEY, base TEXT NOT NULL) WITHOUT ROWID;";
constexpr const char* bases_migrations[] = {bases_schema};

// The precision of the time of last use: pruning does not need more.
constexpr std::int64_t exactness_ns = 1'000'000'000;

std::int64_t now_ns() {
  return system_now().time_since_epoch().count();
}

std::string hold_name(const std::string& key) {
  return "build:" + key;
}

}  // namespace

std::string chain_after(const std::string& base, const std::string& output) {
  return sha256_hex(base + '\0' + output);
}

Result<Cache> Cache::open(image::Store& store) {
  Database database = store.database();
  TRY(migrate(database, "build", migrations));
  TRY(migrate(database, "build bases", bases_migrations));
  return Cache(store, std::move(database));
}

Result<std::optional<CachedStep>> Cache::find(const std::string& key) {
  struct Row {
    CachedStep step;
    std::int64_t used = 0;
  };
  auto row = TRY(database_.query("look into build cache", [&](SQLite::Database& db) -> std::optional<Row> {
    SQLite::Statement select(db, "SELECT layer, output, created, used FROM build_steps WHERE key = ?");
    select.bind(1, key);
    if (!select.executeStep()) return std::nullopt;
    Row found;
    found.step.layer = select.getColumn(0).getString();
    found.step.output = select.getColumn(1).getString();
    found.step.created = SystemTime(Nanoseconds(select.getColumn(2).getInt64()));
    found.used = select.getColumn(3).getInt64();
    return found;
  }));
  if (!row) return std::nullopt;
  const auto layer = store_->layer(row->step.layer);
  if (!layer) return std::nullopt;
  row->step.directory = layer->directory;
  if (now_ns() - row->used > exactness_ns) {
    TRY(database_.query("mark build cache", [&](SQLite::Database& db) {
      SQLite::Statement update(db, "UPDATE build_steps SET used = ? WHERE key = ?");
      update.bind(1, now_ns());
      update.bind(2, key);
      update.exec();
    }));
  }
  return row->step;
}

Result<> Cache::remember(const std::string& key, const std::string& title, const CachedStep& step,
                         const std::string& base) {
  TRY(store_->release(hold_name(key)));
  TRY(store_->hold(hold_name(key), image::Store::HoldKind::layer, step.layer));
  return database_.query("write build cache", [&](SQLite::Database& db) {
    SQLite::Statement insert(db, "INSERT OR REPLACE INTO build_steps VALUES(?, ?, ?, ?, ?, ?)");
    insert.bind(1, key);
    insert.bind(2, step.layer);
    insert.bind(3, step.output);
    insert.bind(4, title);
    insert.bind(5, static_cast<std::int64_t>(step.created.time_since_epoch().count()));
    insert.bind(6, now_ns());
    insert.exec();
    SQLite::Statement insert_base(db, "INSERT OR REPLACE INTO build_bases VALUES(?, ?)");
    insert_base.bind(1, key);
    insert_base.bind(2, base);
    insert_base.exec();
  });
}

Result<std::vector<KeyPart>> Cache::parts_of(const std::string& slot) {
  const auto text = TRY(database_.query("look into build cache", [&](SQLite::Database& db) -> std::string {
    SQLite::Statement select(db, "SELECT parts FROM build_parts WHERE slot = ?");
    select.bind(1, slot);
    return select.executeStep() ? select.getColumn(0).getString() : "";
  }));
  return text.empty() ? std::vector<KeyPart>{} : StepKey::from_json(text);
}

Result<> Cache::remember_parts(const std::string& slot, const StepKey& key) {
  return database_.query("write build cache", [&](SQLite::Database& db) {
    SQLite::Statement insert(db, "INSERT OR REPLACE INTO build_parts VALUES(?, ?)");
    insert.bind(1, slot);
    insert.bind(2, key.to_json());
    insert.exec();
  });
}

Result<std::optional<std::string>> Cache::source_digest(const std::string& chain, const std::string& selector) {
  return database_.query("look into build cache", [&](SQLite::Database& db) -> std::optional<std::string> {
    SQLite::Statement select(db, "SELECT digest FROM build_sources WHERE key = ?");
    select.bind(1, sha256_hex(chain + '\0' + selector));
    if (!select.executeStep()) return std::nullopt;
    return select.getColumn(0).getString();
  });
}

Result<> Cache::remember_source(const std::string& chain, const std::string& selector, const std::string& digest) {
  return database_.query("write build cache", [&](SQLite::Database& db) {
    SQLite::Statement insert(db, "INSERT OR REPLACE INTO build_sources VALUES(?, ?)");
    insert.bind(1, sha256_hex(chain + '\0' + selector));
    insert.bind(2, digest);
    insert.exec();
  });
}

Result<Cache::Pruned> Cache::prune(SystemTime unused_since) {
  const std::int64_t limit = unused_since.time_since_epoch().count();
  const auto keys = TRY(database_.query("look into build cache", [&](SQLite::Database& db) {
    std::vector<std::string> found;
    SQLite::Statement select(db, "SELECT key FROM build_steps WHERE used < ?");
    select.bind(1, limit);
    while (select.executeStep()) found.push_back(select.getColumn(0).getString());
    return found;
  }));
  TRY(forget(keys));
  return Pruned{keys.size()};
}

Result<std::vector<Cache::Known>> Cache::all() {
  return database_.query("look into build cache", [&](SQLite::Database& db) {
    std::vector<Known> found;
    SQLite::Statement select(db,
                             "SELECT s.key, s.layer, s.output, s.used, b.base FROM build_steps s LEFT JOIN build_bases "
                             "b ON b.key = s.key ORDER BY s.used, s.key");
    while (select.executeStep()) {
      Known step{select.getColumn(0).getString(), select.getColumn(1).getString(), {}, {}, {}};
      if (!select.isColumnNull(4)) {
        step.base = select.getColumn(4).getString();
        step.chain = chain_after(step.base, select.getColumn(2).getString());
      }
      step.used = SystemTime(Nanoseconds(select.getColumn(3).getInt64()));
      found.push_back(std::move(step));
    }
    return found;
  });
}

Result<> Cache::forget(const std::vector<std::string>& keys) {
  for (const auto& key : keys) {
    TRY(database_.query("prune build cache", [&](SQLite::Database& db) {
      for (const char* sql : {"DELETE FROM build_steps WHERE key = ?", "DELETE FROM build_bases WHERE key = ?"}) {
        SQLite::Statement remove(db, sql);
        remove.bind(1, key);
        remove.exec();
      }
    }));
    TRY(store_->release(hold_name(key)));
  }
  return {};
}

}  // namespace consort::build
