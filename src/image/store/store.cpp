#include "image/store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "base/os/files/file.hpp"
#include "base/os/files/flock.hpp"
#include "base/sqlite/migrations.hpp"
#include "base/strings.hpp"
#include "image/store/store_state.hpp"

namespace consort::image {

namespace {

constexpr const char* first_schema = R"sql(
CREATE TABLE IF NOT EXISTS image_images(
  id TEXT PRIMARY KEY, size INTEGER NOT NULL, created INTEGER NOT NULL, last_tagged INTEGER NOT NULL,
  os TEXT NOT NULL, architecture TEXT NOT NULL, variant TEXT NOT NULL, manifest TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS image_names(
  repository TEXT NOT NULL, tag TEXT NOT NULL,
  image_id TEXT NOT NULL REFERENCES image_images(id) ON DELETE CASCADE,
  PRIMARY KEY(repository, tag)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS image_names_by_image ON image_names(image_id);
CREATE TABLE IF NOT EXISTS image_name_platforms(
  repository TEXT NOT NULL, tag TEXT NOT NULL,
  image_id TEXT NOT NULL REFERENCES image_images(id) ON DELETE CASCADE,
  PRIMARY KEY(repository, tag, image_id),
  FOREIGN KEY(repository, tag) REFERENCES image_names(repository, tag) ON DELETE CASCADE) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS image_name_platforms_by_image ON image_name_platforms(image_id);
CREATE TABLE IF NOT EXISTS image_digests(
  repository TEXT NOT NULL, digest TEXT NOT NULL,
  image_id TEXT NOT NULL REFERENCES image_images(id) ON DELETE CASCADE,
  PRIMARY KEY(repository, digest, image_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS image_digests_by_image ON image_digests(image_id);
CREATE TABLE IF NOT EXISTS image_layers(
  id TEXT PRIMARY KEY, diff_id TEXT, blob TEXT, size INTEGER NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS image_layers_by_diff_id ON image_layers(diff_id);
CREATE TABLE IF NOT EXISTS image_image_layers(
  image_id TEXT NOT NULL REFERENCES image_images(id) ON DELETE CASCADE, position INTEGER NOT NULL,
  layer_id TEXT NOT NULL REFERENCES image_layers(id), PRIMARY KEY(image_id, position)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS image_image_layers_by_layer ON image_image_layers(layer_id);
CREATE TABLE IF NOT EXISTS image_holds(
  owner TEXT NOT NULL, kind INTEGER NOT NULL, object TEXT NOT NULL,
  PRIMARY KEY(owner, kind, object)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS image_holds_by_object ON image_holds(kind, object);
)sql";
constexpr const char* migrations[] = {first_schema};

}  // namespace

Result<Fd> lock_store(const Store::State& state, Locking locking, const std::stop_token& cancel) {
  Fd fd = TRY(open_file(state.lock_path(), O_RDWR | O_CREAT, 0600));
  if (locking == Locking::shared) {
    TRY_WRAP(lock_shared(fd.get(), state.lock_path(), {.cancel = cancel}), "wait for the image store");
    return fd;
  }
  int done;
  do done = ::flock(fd.get(), LOCK_EX | LOCK_NB);
  while (done != 0 && errno == EINTR);
  if (done != 0) return fail_errno("lock image store", state.lock_path());
  return fd;
}

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Result<Store> Store::open(const Roots& roots) {
  // layers/ contains setuid programs from foreign images: only the owner may enter.
  TRY(make_directories(roots.layers(), 0700));
  TRY(make_directories(roots.blobs(), 0700));
  TRY(make_directories(roots.data + "/ingest", 0700));
  // If this fails on a full disk, the next removal reports that.
  for (const std::string& directory : {roots.layers(), roots.data + "/ingest"}) (void)Trash(directory).prepare();
  Database database = TRY(Database::open(roots.state_db()));
  TRY(migrate(database, "image", migrations));
  return Store(std::make_unique<State>(roots, std::move(database)));
}

const Roots& Store::roots() const {
  return state_->roots;
}

Result<Session> Store::session() const {
  return Session(TRY(lock_store(*state_, Locking::shared)));
}

Result<> Store::hold(const std::string& owner, HoldKind kind, const std::string& id) {
  return state_->database.query("hold image content", [&](SQLite::Database& db) { hold_within(db, owner, kind, id); });
}

void Store::hold_within(SQLite::Database& transaction, const std::string& owner, HoldKind kind, const std::string& id) {
  SQLite::Statement insert(transaction, "INSERT OR IGNORE INTO image_holds VALUES(?, ?, ?)");
  insert.bind(1, owner);
  insert.bind(2, static_cast<int>(kind));
  insert.bind(3, id);
  insert.exec();
}

Result<> Store::release(const std::string& owner) {
  return state_->database.query("release image content", [&](SQLite::Database& db) { release_within(db, owner); });
}

void Store::release_within(SQLite::Database& transaction, const std::string& owner) {
  SQLite::Statement remove(transaction, "DELETE FROM image_holds WHERE owner = ?");
  remove.bind(1, owner);
  remove.exec();
}

Database Store::database() const {
  return state_->database;
}

// --- Blobs

std::string Store::blob_path(const Digest& digest) const {
  return state_->roots.blobs() + "/" + digest.hex();
}

bool Store::has_blob(const Digest& digest) const {
  return path_exists(blob_path(digest));
}

Result<std::string> Store::read_blob(const Digest& digest, std::size_t limit) const {
  std::string content = TRY_WRAP(read_file(blob_path(digest), limit), "read blob", digest.text());
  // Small blobs (configurations, manifests) are verified each time; that takes microseconds.
  if (Digest::of(content) != digest)
    return fail(Error(Code::io, "read blob").on(digest.text()).why("its content was modified on disk"));
  return content;
}

Result<Digest> Store::write_blob(std::string_view content) const {
  Digest digest = Digest::of(content);
  if (!has_blob(digest)) TRY(write_file_atomic(blob_path(digest), content, 0400));
  return digest;
}

}  // namespace consort::image
