// Values that Docker Compose passes on unchecked and the engine rejects, or whose meaning differs from what it seems to
// be.
#include <algorithm>
#include <array>
#include <optional>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "compose/passes/finish.hpp"

namespace consort::compose {

namespace {

// The last of the typographic quotes is also used as an apostrophe: only the first character is checked.
constexpr std::array<std::string_view, 4> typographic_quotes{"\xE2\x80\x9C", "\xE2\x80\x9D", "\xE2\x80\x98",
                                                             "\xE2\x80\x99"};

bool starts_typographic(std::string_view text) {
  return !text.empty() && text[0] == '\xE2' &&
         std::ranges::any_of(typographic_quotes, [&](std::string_view quote) { return text.starts_with(quote); });
}

std::string without_typographic(std::string text) {
  for (const std::string_view quote : typographic_quotes) text = replace_all(text, quote, "");
  return text;
}

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_repository_part(std::string_view part) {
  return !part.empty() && is_lower_or_digit(part.front()) && is_lower_or_digit(part.back()) &&
         std::ranges::all_of(part, [](char c) { return is_lower_or_digit(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_tag(std::string_view tag) {
  const auto word = [](char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !tag.empty() && tag.size() <= 128 && word(tag[0]) &&
         std::ranges::all_of(tag, [&](char c) { return word(c) || c == '.' || c == '-'; });
}

// [HOST[:PORT]/]NAME[/NAME..][:TAG][@DIGEST]: an approximation that accepts everything that registries accept.
bool is_image(std::string_view text) {
  text = text.substr(0, text.find('@'));
  const std::size_t slash = text.rfind('/');
  const std::size_t colon = text.find(':', slash == std::string_view::npos ? 0 : slash);
  if (colon != std::string_view::npos && !is_tag(text.substr(colon + 1))) return false;
  const std::vector<std::string> parts = split(text.substr(0, colon), '/');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool host = i == 0 && parts.size() > 1 &&
                      (parts[0].find_first_of(".:") != std::string::npos || to_lower(parts[0]) == "localhost");
    if (host ? parts[0].find(' ') != std::string::npos || parts[0].starts_with(':') : !is_repository_part(parts[i]))
      return false;
  }
  return true;
}

std::optional<std::string> better_image(const std::string& text) {
  std::string right = without_typographic(text);
  for (const std::string_view lead : {"https://", "http://", "docker://", "hub.docker.com/_/", "hub.docker.com/r/"}) {
    if (right.starts_with(lead)) right.erase(0, lead.size());
  }
  while (right.ends_with(';') || right.ends_with(',') || right.ends_with(':') || right.ends_with('/')) right.pop_back();
  right = replace_all(right, "::", ":");
  const std::size_t tag =
      std::min(right.find(':', right.rfind('/') == std::string::npos ? 0 : right.rfind('/')), right.size());
  right = to_lower(right.substr(0, tag)) + right.substr(tag);
  return right != text && is_image(right) ? std::optional(right) : std::nullopt;
}

class StartValues {
 public:
  StartValues(const Project& project, Reporter& reporter) : project_(project), reporter_(reporter) {}

  void run() {
    for (const auto& [name, service] : project_.services) {
      name_ = name;
      image(service);
      restart(service);
      for (std::size_t i = 0; i < service.volumes.size(); ++i) target(service.volumes[i], std::to_string(i));
    }
    quotes(*project_.tree);
  }

 private:
  // Returns null if that line already has a diagnostic: an unset variable, a misspelled tag.
  Diagnostic* warn(std::string_view code, const std::string& message, Place place) {
    const Mark mark = reporter_.sources().mark(place);
    const bool told = std::ranges::any_of(reporter_.diagnostics(), [&](const Diagnostic& each) {
      return each.mark.line == mark.line && each.mark.file == mark.file;
    });
    return told ? nullptr : &reporter_.warning(code, message, place);
  }

  Place at(Strings path) const {
    path.insert(path.begin(), {"services", name_});
    return place_in(*project_.tree, path);
  }

  void write(Diagnostic& made, Place place, std::size_t length, const std::string& right) {
    made.help = "write " + right;
    if (place.length == length)
      made.fixes.push_back(Fix{"write " + right, Certainty::certain, {reporter_.edit(place, right)}});
  }

  void image(const Service& service) {
    if (service.image.empty() || is_image(service.image)) return;
    const Place place = at({"image"});
    Diagnostic* made =
        warn("bad-image", "services." + name_ + ".image: invalid reference format: " + service.image, place);
    if (!made) return;
    made->label = "not the name of an image";
    if (const auto right = better_image(service.image)) {
      write(*made, place, without_places(service.image), *right);
    } else if (service.image.find_first_of("{}()%") != std::string::npos) {
      made->help = "a variable is written ${NAME}, for example nginx:${TAG:-1.27}";
    } else {
      made->help = "a name is [REGISTRY/]NAME[:TAG] in lower case, for example nginx:1.27";
    }
  }

  static std::size_t without_places(const std::string& text) {  // length in code points
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & '\xC0') != '\x80'; }));
  }

  void restart(const Service& service) {
    static const Strings words{"no", "always", "on-failure", "unless-stopped"};
    const std::string word = service.restart.substr(0, service.restart.find(':'));
    if (!service.restart.empty() && !std::ranges::count(words, word)) {
      refuse_word("restart", "invalid restart policy: unknown policy '" + word + "'", word, words, {"restart"});
    }
    const std::size_t colon = service.restart.find(':');
    if (word == "on-failure" && colon != std::string::npos && !parse_unsigned(service.restart.substr(colon + 1))) {
      Diagnostic* made =
          warn("bad-restart",
               "services." + name_ + ".restart: invalid restart policy: maximum retry count must be an integer",
               at({"restart"}));
      if (made) made->help = "write a number of attempts, for example on-failure:3";
    }
    if (!service.deploy || !service.deploy->restart_policy) return;
    static const Strings conditions{"none", "on-failure", "any"};
    const std::string& condition = service.deploy->restart_policy->condition;
    if (condition.empty() || std::ranges::count(conditions, condition)) return;
    refuse_word("deploy.restart_policy.condition", "unknown condition '" + condition + "'", condition, conditions,
                {"deploy", "restart_policy", "condition"});
  }

  void refuse_word(const std::string& key, const std::string& why, const std::string& word, const Strings& words,
                   Strings path) {
    const Place place = at(std::move(path));
    Diagnostic* made = warn("bad-restart", "services." + name_ + "." + key + ": " + why, place);
    if (!made) return;
    made->label = "the container could not be created";
    made->help = "use one of: " + join(words, ", ");
    if (const auto near = nearest(replace_all(to_lower(word), "_", "-"), words))
      write(*made, place, word.size(), *near);
  }

  // The engine decides which binds are allowed there: files of lxcfs, the host's own proc.
  void over_proc(const Mount& mount, const std::string& index) {
    const std::string target = clean_path(mount.target);
    if (mount.type == MountType::bind || (target != "/proc" && !target.starts_with("/proc/"))) return;
    Diagnostic* made =
        warn("mount-over-proc",
             "services." + name_ + ".volumes: \"" + mount.target + "\" cannot be mounted because it is " +
                 (target == "/proc" ? "not of type proc" : "inside /proc"),
             at({"volumes", index}));
    if (!made) return;
    made->label = "it contains the kernel's own files";
    made->help = "mount it elsewhere";
  }

  // "d:/d", where the colon could also belong to a drive letter, as in Docker Compose.
  bool drive(const Mount& mount, const std::string& index) {
    const std::string& text = mount.target;
    const bool letter = !text.empty() && to_lower(text)[0] >= 'a' && to_lower(text)[0] <= 'z';
    if (!letter || !text.substr(1).starts_with(":/")) return false;
    Diagnostic* made = warn("relative-target", "services." + name_ + ".volumes: mount path must be absolute: " + text,
                            at({"volumes", index}));
    if (!made) return true;
    const std::string name = text.substr(0, 1);
    made->label = "`" + name + ":` is read as a drive of Windows, not as the volume `" + name + "`";
    made->help = "write the long form: {type: volume, source: " + name + ", target: " + text.substr(2) + "}";
    return true;
  }

  void target(const Mount& mount, const std::string& index) {
    over_proc(mount, index);
    if (drive(mount, index)) return;
    if (mount.target.empty() || mount.target.starts_with('/') || mount.target.find_first_of(":\\") != std::string::npos)
      return;
    Diagnostic* made =
        warn("relative-target", "services." + name_ + ".volumes: mount path must be absolute: " + mount.target,
             at({"volumes", index}));
    if (!made) return;
    made->label = "the path inside the container must start with `/`";
    made->help = "write /" + mount.target;
  }

  void quotes(const Node& node) {
    if (node.is_string() && starts_typographic(node.text)) {
      Diagnostic* made =
          warn("typographic-quote", "typographic quotes are part of the value: " + node.text, node.place);
      if (made) {
        const std::string right = "\"" + without_typographic(node.text) + "\"";
        made->label = "not YAML quotes";
        write(*made, node.place, without_places(node.text), right);
      }
    }
    for (const Node& item : node.items) quotes(item);
    for (const Entry& entry : node.entries) quotes(entry.value);
  }

  const Project& project_;
  Reporter& reporter_;
  std::string name_;
};

}  // namespace

void check_start_values(const Project& project, Reporter& reporter) {
  StartValues(project, reporter).run();
}

}  // namespace consort::compose
