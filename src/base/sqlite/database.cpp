#include "base/sqlite/database.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "base/os/fd.hpp"
#include "base/os/files/lock_holder.hpp"

namespace consort {

namespace {

// A transaction must find space even on a full disk, because nothing can be removed without one. So the log's blocks
// are allocated in advance, which does not change its length, and the database grows in chunks.
void reserve_room(SQLite::Database& connection, const std::string& path) {
  constexpr off_t log_bytes = 2 << 20;  // twice the length at which it is checkpointed
  constexpr int piece = 256 << 10;
  int bytes = piece;
  ::sqlite3_file_control(connection.getHandle(), "main", SQLITE_FCNTL_CHUNK_SIZE, &bytes);
  const Result<Fd> log = open_file(path + "-wal", O_WRONLY);
  struct stat st;
  if (!log || ::fstat(log->get(), &st) != 0 || st.st_blocks * 512 >= log_bytes) return;
  (void)::fallocate(log->get(), FALLOC_FL_KEEP_SIZE, 0, log_bytes);
}

// Writers lock a byte of the file beside the log; who sets up the log or folds it in locks the database itself, too.
std::optional<pid_t> suspended_writer(const std::string& path) {
  for (const char* part : {"-shm", ""}) {
    const std::vector<pid_t> holders = lock_holders(path + part, LockKind::record);
    if (const auto found = std::ranges::find_if(holders, is_suspended); found != holders.end()) return *found;
  }
  return std::nullopt;
}

// The connection, and for how long it has been waiting for another process's transaction. Called by one thread at a
// time, as the connection is.
class Connection {
 public:
  explicit Connection(const std::string& path)
      : database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX) {
    ::sqlite3_busy_handler(
        database.getHandle(), [](void* self, int tries) { return static_cast<Connection*>(self)->wait(tries); }, this);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  SQLite::Database database;

 private:
  using Clock = std::chrono::steady_clock;

  // 1: try again. A transaction takes milliseconds; whoever is suspended within one does not go on by itself.
  int wait(int tries) {
    constexpr std::chrono::seconds longest{10}, between_looks{1};
    constexpr int most_looks = 3, quick = 20;
    const auto now = Clock::now();
    if (tries == 0) {
      end_ = now + longest;
      look_at_ = now + between_looks;
      looks_ = 0;
    }
    if (now >= look_at_) {
      look_at_ = now + between_looks;
      looks_ = suspended_writer(database.getFilename()) ? looks_ + 1 : 0;
    }
    if (now >= end_ || looks_ == most_looks) return 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(tries < quick ? 1 + tries / 2 : 20));
    return 1;
  }

  Clock::time_point end_, look_at_;
  int looks_ = 0;  // at which a writer was suspended
};

}  // namespace

Result<Database> Database::open(const std::string& path) {
  // SQLite's companion files inherit the database's mode. An existing database is not opened here: closing it would
  // drop the locks of another connection in this process.
  if (Result<Fd> made = open_file(path, O_RDWR | O_CREAT | O_EXCL, 0600); !made && made.error().sys_errno() != EEXIST)
    return fail(std::move(made).error().wrap("open database", path));
  try {
    const auto whole = std::make_shared<Connection>(path);
    std::shared_ptr<SQLite::Database> connection(whole, &whole->database);
    // A checkpoint at each close would make every command wait for the disk several times. The log stays instead, and
    // is checkpointed once it has grown; reading a log of this length at the next open takes less than a millisecond.
    sqlite3_db_config(connection->getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    connection->exec(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA wal_autocheckpoint=250; "
        "PRAGMA temp_store=MEMORY;");
    reserve_room(*connection, path);
    return Database(std::move(connection));
  } catch (const SQLite::Exception& e) {
    return std::unexpected(database_error("open", e, path).wrap("open database", path));
  }
}

Error Database::database_error(const char* what, const SQLite::Exception& e, const std::string& path) {
  Error error(Code::io, what);
  switch (e.getErrorCode()) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      if (const auto pid = suspended_writer(path)) return suspended_holder(*pid, path).wrap(what);
      error.data().code = Code::busy;
      break;
    case SQLITE_CONSTRAINT:
      error.data().code = Code::conflict;
      break;
    case SQLITE_FULL:
      error.data().sys_errno = ENOSPC;
      break;
    default:
      break;
  }
  // "database or disk is full" says the same as the errno.
  if (error.data().sys_errno == 0) error.data().why = e.what();
  return error;
}

}  // namespace consort
