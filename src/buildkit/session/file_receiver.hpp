// The receiving side of fsutil's DiffCopy: turns a client's packets into files below a directory. The sender is not
// trusted: nothing outside the directory is touched, no link in it is followed, and the amount of data is limited.
//
// The sender lists all entries (STAT, parents first; an empty one ends the list); we request the content of regular
// files by their index in that list (REQ) and receive it as DATA, where an empty packet ends each file; then both sides
// send FIN.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/os/fd.hpp"

namespace consort::buildkit {

namespace wire {
class Packet;
class Stat;
}  // namespace wire

struct ReceiveLimits {
  std::uint64_t entries = 1'000'000;
  std::uint64_t name_bytes = std::uint64_t{128} << 20;
  std::uint64_t bytes = std::uint64_t{64} << 30;  // of file content
};

class FileReceiver {
 public:
  // send: sends a packet to the sender.
  FileReceiver(Fd root, std::function<Result<>(std::string_view packet)> send, ReceiveLimits limits = {});

  // Handles the next packet. Code::invalid: a correct sender would not send this; or the error that the sender
  // reported.
  Result<> take(std::string_view packet);
  bool done() const { return done_; }                    // the last packet has been handled
  std::uint64_t bytes() const { return packet_bytes_; }  // received so far, counted as Docker does

 private:
  struct File {
    std::uint32_t id;
    std::string path;
    mode_t mode;
    std::int64_t modified;  // nanoseconds since 1970
  };
  struct OpenFile {
    File file;
    Fd fd;
  };
  struct Directory {
    std::string path;
    mode_t mode;
    std::int64_t modified;
  };

  Result<> take_entry(const wire::Stat& stat);
  Result<> check_path(const std::string& path);
  Result<> make_entry(const wire::Stat& stat, std::uint32_t id);
  Result<> make_directory(int parent, const std::string& name, const wire::Stat& stat);
  Result<> make_file(int parent, const std::string& name, const wire::Stat& stat, std::uint32_t id);
  Result<> make_hard_link(int parent, const std::string& name, const wire::Stat& stat);
  Result<> take_content(std::uint32_t id, std::string_view data);
  Result<> close(OpenFile open);
  Result<> ask_for_more();
  Result<> end_if_complete();
  Result<> close_directories();
  Result<Fd> open_directory(const std::string& path) const;

  Fd root_;
  std::function<Result<>(std::string_view)> send_;
  ReceiveLimits limits_;
  std::string last_path_;
  std::uint32_t next_id_ = 0;
  std::deque<File> wanted_;                 // not requested yet
  std::map<std::uint32_t, OpenFile> open_;  // requested
  std::vector<Directory> directories_;
  std::uint64_t name_bytes_ = 0, content_bytes_ = 0, packet_bytes_ = 0;
  bool listed_ = false, said_all_ = false, done_ = false;
};

}  // namespace consort::buildkit
