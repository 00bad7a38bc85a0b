// Files made to be expensive: each is loaded in its own process, with a limit on memory and one on processor time that
// only multiplication reaches. The result does not matter here.
//
// CONSORT_TEST_HOSTILE_KIB=1024 generates files of that size instead of 64 KiB, and prints the cost of each.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>

#include "compose/compose.hpp"

namespace consort::compose {
namespace {

constexpr std::size_t usual_kib = 64;
std::size_t wanted_kib() {
  const char* const text = std::getenv("CONSORT_TEST_HOSTILE_KIB");
  return text == nullptr ? usual_kib : std::strtoul(text, nullptr, 10);
}
const std::size_t size = wanted_kib() << 10;  // of each file
constexpr long memory_limit_kib = 256 << 10;  // in addition to what this process uses
constexpr rlim_t seconds = 60;

using Files = std::map<std::string, std::string>;

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

// Pieces for 0, 1, 2, ... until the size is reached.
std::string fill(const std::function<std::string(int)>& piece, std::size_t bytes = size) {
  std::string out;
  for (int i = 0; out.size() < bytes; ++i) out += piece(i);
  return out;
}

std::string n(int i) {
  return std::to_string(i);
}

const std::string tail = "\nservices: {a: {image: b}}\n";

std::string in_list(const std::string& item) {
  return "x-a: [" + fill([&](int) { return item + ","; }) + "]" + tail;
}
std::string of_service(const std::string& key, const std::function<std::string(int)>& item) {
  return "services: {a: {image: b, " + key + ": [" + fill([&](int i) { return item(i) + ","; }) + "]}}\n";
}

std::string deep(const std::string& open, const std::string& inside, const std::string& close, std::size_t levels) {
  return repeat(open, levels) + inside + repeat(close, levels);
}

std::string nested_anchors(bool used) {
  std::string text = "x-a:\n";
  for (int i = 0; i < 200; ++i) text += repeat(" ", static_cast<std::size_t>(i) + 1) + "k: &n" + n(i) + "\n";
  text += fill([](int i) { return repeat(" ", 201) + "v" + n(i) + ": 1\n"; });
  return text + "x-b: [" + (used ? fill([](int i) { return "*n" + n(i) + ","; }, 1000) : "") + "]" + tail;
}

std::string laughs() {
  std::string text = "x-0: &a0 [l,l,l,l,l,l,l,l,l]\n";
  for (int i = 1; i < 12; ++i) text += "x-" + n(i) + ": &a" + n(i) + " [" + repeat("*a" + n(i - 1) + ",", 9) + "]\n";
  return text + tail;
}

std::string services(const std::function<std::string(int)>& body) {
  return "services:\n s0: {image: a}\n" + fill([&](int i) { return " s" + n(i + 1) + ": {" + body(i + 1) + "}\n"; });
}

// Each file includes the next one twice: 2^24 files, unless they are counted.
Files include_tree() {
  Files files{{"compose.yaml", "include: [i0.yaml]\n"}, {"i24.yaml", tail}};
  for (int i = 0; i < 24; ++i) {
    files["i" + n(i) + ".yaml"] = "include: [i" + n(i + 1) + ".yaml, ./i" + n(i + 1) + ".yaml]\n";
  }
  return files;
}

Files extends_files() {
  Files files{{"compose.yaml", "services: {s: {extends: {file: f0.yaml, service: s}}}\n"}};
  for (int i = 0; i < 2000; ++i) {
    files["f" + n(i) + ".yaml"] = "services: {s: {extends: {file: f" + n(i + 1) + ".yaml, service: s}}}\n";
  }
  return files;
}

Files with_env(std::string env) {
  return {{"compose.yaml", tail}, {".env", std::move(env)}};
}

struct Case {
  const char* name;
  std::function<Files()> files;
};

Case one(const char* name, const std::function<std::string()>& text) {
  return {name, [text] { return Files{{"compose.yaml", text()}}; }};
}

std::vector<Case> structure_cases() {
  return {
      one("NestedAnchors", [] { return nested_anchors(false); }),
      one("NestedAnchorsUsed", [] { return nested_anchors(true); }),
      one("BillionLaughs", laughs),
      one("AliasFanOut",
          [] {
            return "x-a: &a [" + fill([](int) { return std::string("b,"); }, size / 2) + "]\nx-b: [" +
                   fill([](int) { return std::string("*a,"); }, size / 2) + "]" + tail;
          }),
      one("MergeOfTwoLong",
          [] {
            return "x-a: &a\n" + fill([](int i) { return "  a" + n(i) + ": 1\n"; }, size / 2) + "x-b:\n  <<: *a\n" +
                   fill([](int i) { return "  b" + n(i) + ": 1\n"; }, size / 2) + tail;
          }),
      one("MergeOfOneManyTimes",
          [] {
            return "x-a: &a\n" + fill([](int i) { return "  a" + n(i) + ": 1\n"; }, 3000) + "x-b:\n  <<: [" +
                   repeat("*a,", 900) + "]" + tail;
          }),
      one("DeepFlow", [] { return "x-a: " + deep("[", "", "]", 490) + tail; }),
      one("DeeperFlow", [] { return deep("[", "", "]", size / 2); }),
      one("OpenFlow", [] { return repeat("{a: ", size / 4); }),
      one("Brackets", [] { return repeat("]", size); }),
      one("DeepAndWide",
          [] { return "x-a: " + deep("[", fill([](int) { return std::string("a,"); }), "]", 480) + tail; }),
      one("Dashes", [] { return repeat("- ", size / 2); }),
      one("QuestionMarks", [] { return repeat("? ", size / 2); }),
      one("WideList", [] { return in_list("a"); }),
      one("EmptyMappings", [] { return in_list("{}"); }),
      one("Tags", [] { return in_list("!a"); }),
      one("Anchors", [] { return "x-a: [" + fill([](int i) { return "&a" + n(i) + " x,"; }) + "]" + tail; }),
      one("UnknownAlias", [] { return in_list("*nobody"); }),
      one("WideMapping", [] { return "x-a: {" + fill([](int i) { return "a" + n(i) + ","; }) + "}" + tail; }),
      one("NumbersAsKeys", [] { return "x-a: {" + fill([](int i) { return n(i) + ": 1,"; }) + "}" + tail; }),
      one("TheSameKey", [] { return "x-a:\n" + repeat("  a:\n", size / 5) + tail; }),
      one("Documents", [] { return tail + repeat("---\nservices: {a: {environment: [A=b]}}\n", size / 40); }),
      one("LongFold", [] { return "services:\n  a:\n    command: >\n" + repeat("      a\n\n", size / 9); }),
      one("LongQuoted", [] { return "services: {a: {image: \"" + repeat("\\n", size / 2) + "\"}}\n"; }),
      one("Tabs", [] { return "services:\n" + repeat("\ta:\n", size / 4); }),
      one("NoColons", [] { return "services:\n  a:\n" + repeat("    image b\n", size / 12); }),
      one("OpenQuotes", [] { return "services:\n  a:\n" + fill([](int i) { return "    k" + n(i) + ": \"b\n"; }); }),
      one("NothingIndented", [] { return "services:\n" + fill([](int i) { return "s" + n(i) + ":\n  image: a\n"; }); }),
      one("ByteOrderMarks", [] { return tail + repeat("\xEF\xBB\xBF", size / 3); }),
  };
}

std::vector<Case> language_cases() {
  return {
      one("ManyServices", [] { return services([](int) { return std::string("image: a"); }); }),
      one("ExtendsChain", [] { return services([](int i) { return "extends: s" + n(i - 1); }); }),
      one("ExtendsChainBackwards",
          [] { return "services:\n" + fill([](int i) { return " s" + n(i) + ": {extends: s" + n(i + 1) + "}\n"; }); }),
      one("ExtendsOfSomethingLarge",
          [] {
            return "services:\n s0: {image: a, environment: {" +
                   fill([](int i) { return "A" + n(i) + ": 1,"; }, size / 2) + "}}\n" +
                   fill([](int i) { return " s" + n(i + 1) + ": {extends: s0}\n"; }, size / 2);
          }),
      one("ExtendsThatGrows",
          [] { return services([](int i) { return "extends: s" + n(i - 1) + ", environment: {A" + n(i) + ": b}"; }); }),
      {"ExtendsThroughFiles", extends_files},
      {"IncludeTree", include_tree},
      {"IncludeMany",
       [] {
         return Files{{"compose.yaml", "include: [" + repeat("inc.yaml,", size / 9) + "]\n"}, {"inc.yaml", tail}};
       }},
      one("Resets",
          [] {
            return "services:\n a:\n  image: b\n  environment:\n" +
                   fill([](int i) { return "   A" + n(i) + ": !reset\n"; });
          }),
      one("DeepResets",
          [] {
            return "x-a: " +
                   deep("{a: ", "{" + fill([](int i) { return "b" + n(i) + ": !reset a,"; }) + "}", "}", 400) + tail;
          }),
      one("ResetsAndExtends",
          [] { return services([](int) { return std::string("extends: s0, cap_add: !reset []"); }); }),
      one("DependsChain", [] { return services([](int i) { return "image: a, depends_on: [s" + n(i - 1) + "]"; }); }),
      one("DependsOnNobody", [] { return of_service("depends_on", [](int i) { return "s" + n(i); }); }),
      one("Links", [] { return of_service("links", [](int i) { return "s" + n(i); }); }),
      one("Networks", [] { return of_service("networks", [](int i) { return "s" + n(i); }); }),
      one("Secrets", [] { return of_service("secrets", [](int i) { return "s" + n(i); }); }),
      one("Volumes", [] { return of_service("volumes", [](int i) { return "./a:/a" + n(i); }); }),
      one("PortRanges", [] { return of_service("ports", [](int) { return std::string("'1-65535:1-65535'"); }); }),
      one("BadPorts", [] { return of_service("ports", [](int) { return std::string("'x:y'"); }); }),
      one("ExtraHostsOfTwo",
          [] {
            const auto hosts = [](const std::string& prefix) {
              return "extra_hosts: [" + fill([&](int i) { return "'" + prefix + n(i) + ":1.2.3.4',"; }, size / 2) + "]";
            };
            return "services:\n c: {image: b, " + hosts("a") + "}\n a: {extends: c, " + hosts("b") + "}\n";
          }),
      one("Pools",
          [] {
            const auto pools = [](int first) {
              return "networks: {n: {ipam: {config: [" +
                     fill(
                         [&](int i) {
                           return "{subnet: " + n(first) + "." + n(i / 256) + "." + n(i % 256) + ".0/24},";
                         },
                         size / 2) +
                     "]}}}\n";
            };
            return tail + pools(10) + "---\n" + pools(11);
          }),
      one("UnknownKeys",
          [] { return "services:\n a:\n  image: b\n" + fill([](int i) { return "  imag" + n(i) + ": b\n"; }); }),
      one("UnknownSections", [] { return fill([](int i) { return "servics" + n(i) + ": b\n"; }); }),
      one("NestedDefaults",
          [] { return "services: {a: {image: '" + deep("${A:-", repeat("x", size), "}", 100) + "'}}\n"; }),
      one("OpenBraces", [] { return "services: {a: {image: '" + repeat("${", size / 2) + "'}}\n"; }),
      one("BelowALongKey",
          [] {
            return "x-a: {? " + repeat("k", size / 2) + "\n : [" +
                   fill([](int) { return std::string("$A,"); }, size / 2) + "]}" + tail;
          }),
      {"LongValueManyTimes",
       [] {
         return Files{{"compose.yaml", in_list("$A")}, {".env", "A=" + repeat("x", 100'000) + "\n"}};
       }},
      {"EnvFileOfAll",
       [] {
         return Files{{"compose.yaml", services([](int) { return std::string("image: a, env_file: big.env"); })},
                      {"big.env", fill([](int i) { return "A" + n(i) + "=b\n"; })}};
       }},
      {"EnvOfUnknown", [] { return with_env(fill([](int i) { return "A" + n(i) + "=$B" + n(i) + "\n"; })); }},
      {"EnvOfNames", [] { return with_env(fill([](int i) { return "A" + n(i) + "\n"; })); }},
      {"EnvInOneLine", [] { return with_env(fill([](int i) { return "A" + n(i) + "=\"x\""; })); }},
      {"EnvThatGrows",
       [] {
         return with_env("A0=" + repeat("x", 10'000) + "\n" +
                         fill([](int i) { return "A" + n(i + 1) + "=" + repeat("$A" + n(i), 10) + "\n"; }, 1000));
       }},
  };
}

LoadOptions options_for(Files files) {
  LoadOptions options;
  options.working_directory = "/p";
  auto shared = std::make_shared<Files>(std::move(files));
  const auto find = [shared](const std::string& path) {
    return path.starts_with("/p/") ? shared->find(path.substr(3)) : shared->end();
  };
  options.access.read = [=](const std::string& path) -> Result<std::string> {
    const auto found = find(path);
    if (found == shared->end()) return fail(Code::not_found, "open " + path);
    return found->second;
  };
  options.access.is_file = [=](const std::string& path) { return find(path) != shared->end(); };
  options.access.exists = [=](const std::string& path) { return find(path) != shared->end() || path == "/p"; };
  options.access.resolve_links = [](const std::string& path) { return path; };
  return options;
}

// Runs in the child: everything that `config` does.
void load_and_print(const Case& each) {
  LoadOptions options = options_for(each.files());
  const LoadOutcome outcome = load(options);
  render_diagnostics(outcome.diagnostics, Colour::never);
  if (outcome.project) render_yaml(*outcome.project);
  if (wanted_kib() != usual_kib) return;  // the usual cost of one command
  options.interpolate = Switch::off;
  const LoadOutcome raw = load(options);
  if (raw.raw_tree) render_yaml(*raw.raw_tree);
}

class Hostile : public testing::TestWithParam<Case> {};

TEST_P(Hostile, CostsNoMoreThanItsSize) {
  rusage before{};  // the child starts with our pages
  ::getrusage(RUSAGE_SELF, &before);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const rlimit time{seconds, seconds + 1};
    ::setrlimit(RLIMIT_CPU, &time);
    load_and_print(GetParam());
    ::_exit(0);
  }
  int status = 0;
  rusage used{};
  ASSERT_EQ(::wait4(child, &status, 0, &used), child);
  EXPECT_EQ(status, 0) << "signal " << WTERMSIG(status);
#ifndef __SANITIZE_ADDRESS__
  EXPECT_LE(used.ru_maxrss, before.ru_maxrss + memory_limit_kib);
#endif
  if (wanted_kib() != usual_kib) {
    const double user = static_cast<double>(used.ru_utime.tv_sec) + static_cast<double>(used.ru_utime.tv_usec) / 1e6;
    std::printf("%6.2f s %5ld MiB  %s\n", user, (used.ru_maxrss - before.ru_maxrss) >> 10, GetParam().name);
  }
}

std::string name_of(const testing::TestParamInfo<Case>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Structure, Hostile, testing::ValuesIn(structure_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Language, Hostile, testing::ValuesIn(language_cases()), name_of);

}  // namespace
}  // namespace consort::compose
