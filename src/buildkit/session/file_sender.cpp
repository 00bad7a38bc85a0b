#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <thread>

#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"
#include "buildkit/session/client.hpp"
#include "buildkit/session/go_mode.hpp"
#include "session.pb.h"

namespace consort::buildkit {
namespace {

constexpr std::size_t chunk_bytes = std::size_t{32} << 10;

// The sending half of DiffCopy. A separate thread sends the list, because the client requests content before it has
// received the whole list: with a single thread, both sides could wait for each other forever.
class FileSender {
 public:
  FileSender(Stream& stream, int root, const std::function<void(std::uint64_t)>& on_bytes)
      : stream_(stream), root_(root), on_bytes_(on_bytes) {}

  Result<> run() {
    Result<> listed;
    std::jthread lister([&] {
      listed = list();
      if (!listed) stream_.cancel();
    });
    auto answered = answer();
    if (!answered) stream_.cancel();
    lister.join();
    if (!listed && listed.error().code() != Code::interrupted) return listed;
    return answered;
  }

 private:
  Result<> send(const wire::Packet& packet) {
    const std::string bytes = packet.SerializeAsString();
    const std::scoped_lock lock(write_mutex_);
    sent_ += bytes.size();
    if (on_bytes_) on_bytes_(sent_);
    return stream_.write(bytes);
  }

  // Sends each directory, then its content, by name. Without recursion: an image may nest directories to any depth.
  Result<> list() {
    std::vector<std::string> todo;
    const auto add_directory = [&](const std::string& path) -> Result<> {
      const Fd directory = TRY(open_in_root(root_, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      auto names = TRY(list_directory(directory.get()));
      std::ranges::sort(names, std::ranges::greater{});
      for (const std::string& name : names) todo.push_back(path.empty() ? name : path + "/" + name);
      return {};
    };
    TRY(add_directory(""));
    while (!todo.empty()) {
      const std::string path = std::move(todo.back());
      todo.pop_back();
      if (TRY(send_entry(path))) TRY(add_directory(path));
    }
    return send(wire::Packet{});
  }

  // Returns true if it is a directory.
  Result<bool> send_entry(const std::string& path) {
    const Fd entry = TRY(open_in_root(root_, path, O_PATH | O_NOFOLLOW));
    struct stat status {};
    if (::fstat(entry.get(), &status) != 0) return fail_errno("look at", path);
    wire::Packet packet;
    wire::Stat& stat = *packet.mutable_stat();
    stat.set_path(path);
    stat.set_mode(go_mode_of(status.st_mode));
    stat.set_uid(status.st_uid);
    stat.set_gid(status.st_gid);
    stat.set_mod_time(status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec);
    if (S_ISREG(status.st_mode)) {
      stat.set_size(status.st_size);
      const std::scoped_lock lock(files_mutex_);
      files_[next_id_] = path;
    }
    if (S_ISLNK(status.st_mode)) {
      std::string target(4096, '\0');
      const ssize_t length = ::readlinkat(entry.get(), "", target.data(), target.size());
      if (length < 0) return fail_errno("read link", path);
      target.resize(static_cast<std::size_t>(length));
      stat.set_linkname(target);
    }
    ++next_id_;
    TRY(send(packet));
    return S_ISDIR(status.st_mode);
  }

  Result<> answer() {
    for (;;) {
      const auto bytes = TRY(stream_.read());
      wire::Packet packet;
      if (!bytes) return {};  // the client has all that it needs
      if (!packet.ParseFromString(*bytes)) return fail(Code::invalid, "send files");
      if (packet.type() == wire::Packet::ERR)
        return fail(Error(Code::invalid).why("error from receiver: " + packet.data()));
      if (packet.type() == wire::Packet::REQ) TRY(send_content(packet.id()));
      if (packet.type() == wire::Packet::FIN) {
        wire::Packet last;
        last.set_type(wire::Packet::FIN);
        TRY(send(last));
        stream_.close_send();
        while (TRY(stream_.read())) continue;
        return {};
      }
    }
  }

  Result<> send_content(std::uint32_t id) {
    std::string path;
    {
      const std::scoped_lock lock(files_mutex_);
      const auto found = files_.find(id);
      if (found == files_.end()) return fail(Error(Code::invalid, "send files").why("there is no such file"));
      path = std::move(found->second);
      files_.erase(found);
    }
    const Fd file = TRY(open_in_root(root_, path, O_RDONLY | O_NOFOLLOW));
    wire::Packet packet;
    packet.set_type(wire::Packet::DATA);
    packet.set_id(id);
    std::vector<std::byte> buffer(chunk_bytes);
    while (const std::size_t got = TRY(read_some(file.get(), buffer))) {
      packet.set_data(buffer.data(), got);
      TRY(send(packet));
    }
    packet.clear_data();
    return send(packet);
  }

  Stream& stream_;
  int root_;
  const std::function<void(std::uint64_t)>& on_bytes_;
  std::mutex write_mutex_, files_mutex_;
  std::map<std::uint32_t, std::string> files_;  // listed, but not requested yet
  std::uint32_t next_id_ = 0;
  std::uint64_t sent_ = 0;
};

}  // namespace

Result<> send_files(Session& session, int root, const Headers& metadata,
                    const std::function<void(std::uint64_t)>& on_bytes, const std::stop_token& cancel) {
  constexpr const char* file_send = "/moby.filesync.v1.FileSend/DiffCopy";
  if (!session.offers(file_send))
    return fail(Error(Code::unsupported).why("method " + std::string(file_send) + " not supported by the client"));
  const auto stream = TRY(session.connection().call(file_send, metadata));
  const std::stop_callback canceled(cancel, [&] { stream->cancel(); });
  return FileSender(*stream, root, on_bytes).run();
}

}  // namespace consort::buildkit
