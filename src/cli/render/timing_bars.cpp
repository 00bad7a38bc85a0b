#include "cli/render/timing_bars.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "base/cells.hpp"

namespace consort::cli {

namespace {

using project::Moment;
using project::Timings;

std::string seconds_text(Moment::duration duration) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1fs", std::chrono::duration<double>(duration).count());
  return text.data();
}

// Later phases are painted over earlier ones: a service waits while its image is pulled.
constexpr std::array painting_order{Timings::Phase::waiting, Timings::Phase::ready, Timings::Phase::image,
                                    Timings::Phase::start};

std::string_view letter_of(Timings::Phase phase) {
  switch (phase) {
    case Timings::Phase::image:
      return "▒";
    case Timings::Phase::waiting:
      return "·";
    case Timings::Phase::start:
      return "█";
    case Timings::Phase::ready:
      return "░";
  }
  return " ";
}

std::string bar_of(const Timings::Service& service, Moment begin, Moment::duration whole, std::size_t width) {
  std::vector<std::string_view> cells(width, " ");
  const auto cell_of = [&](Moment moment) {
    const double part = std::chrono::duration<double>(moment - begin) / std::chrono::duration<double>(whole);
    return static_cast<std::size_t>(std::clamp(part, 0.0, 1.0) * static_cast<double>(width - 1));
  };
  for (const Timings::Phase phase : painting_order)
    for (const Timings::Span& span : service.spans)
      if (span.phase == phase)
        for (std::size_t i = cell_of(span.from); i <= cell_of(span.to); ++i) cells[i] = letter_of(phase);
  std::string bar;
  for (const std::string_view cell : cells) bar += cell;
  return bar;
}

std::string_view condition_text(std::optional<project::Awaited> awaited) {
  if (!awaited) return "had started";
  return *awaited == project::Awaited::completed ? "had completed" : "was healthy";
}

std::string story_of(const Timings::Service& service, Moment begin) {
  std::string text;
  if (service.started) text += "started at " + seconds_text(*service.started - begin);
  if (service.ready) text += (text.empty() ? "" : ", ") + ("ready at " + seconds_text(*service.ready - begin));
  if (service.waited_for.empty()) return text;
  return text + (text.empty() ? "" : ", ") + "after " + service.waited_for + " " +
         std::string(condition_text(service.awaited));
}

}  // namespace

std::string timing_bars(const Timings& timings, Moment end, std::size_t columns) {
  const std::vector<Timings::Service> services = timings.services();
  if (services.empty()) return {};
  const Moment begin = timings.beginning();
  const Moment::duration whole = std::max(end - begin, Moment::duration(std::chrono::milliseconds(1)));
  std::size_t names = 0, stories = 0;
  for (const Timings::Service& service : services) {
    names = std::max(names, cells_of(service.name));
    stories = std::max(stories, story_of(service, begin).size());
  }
  const std::size_t width =
      std::clamp<std::size_t>(columns > names + stories + 6 ? columns - names - stories - 6 : 0, 10, 60);
  const auto line = [&](const std::string& name, const std::string& bar, const std::string& story) {
    return name + std::string(names - cells_of(name) + 2, ' ') + bar + (story.empty() ? "" : "  " + story) + "\n";
  };
  const std::string last = seconds_text(whole);
  std::string text = line("", "0s" + std::string(width - 2 - std::min(width - 2, last.size()), ' ') + last, "");
  for (const Timings::Service& service : services)
    text += line(service.name, bar_of(service, begin, whole, width), story_of(service, begin));
  return text + "▒ image  · waiting  █ create and start  ░ getting ready\n";
}

}  // namespace consort::cli
