# Records what R says, so that the tests need no R:  Rscript record_in_r.R > recorded_in_r.json
# Data: aml, lung and veteran come with R's survival package (public); the small sets are made up for one situation each.
suppressPackageStartupMessages({ library(survival); library(jsonlite) })

numbers <- function(x) as.numeric(x)
half <- function(fit) {
  if (length(fit$time) == 0) return(list(value = NA, lower = NA, upper = NA))
  found <- quantile(fit, probs = 0.5)
  list(value = as.numeric(found$quantile), lower = as.numeric(found$lower), upper = as.numeric(found$upper))
}

# On one day: deaths first, then censorings, then entries. Censorings are moved by a tenth of a day, entries by two, and
# times named back afterwards.
reversed <- function(time, death, entry) {
  moved <- time + ifelse(death, 0, 0.1)
  fit <- if (is.null(entry)) survfit(Surv(moved, !death) ~ 1, conf.type = "log-log") else
    survfit(Surv(entry + 0.2, moved, !death) ~ 1, conf.type = "log-log")
  fit$time <- round(fit$time * 2) / 2
  fit
}

case <- function(name, time, death, entry = NULL, at, source) {
  death <- as.logical(death)
  fit <- if (is.null(entry)) survfit(Surv(time, death) ~ 1, conf.type = "log-log") else
    survfit(Surv(entry, time, death) ~ 1, conf.type = "log-log")
  then <- summary(fit, times = at, extend = TRUE)
  back <- reversed(time, death, entry)
  list(
    name = name, source = source,
    time = numbers(time), death = death, entry = if (is.null(entry)) NULL else numbers(entry),
    call = if (is.null(entry)) 'survfit(Surv(time, death) ~ 1, conf.type = "log-log")' else
      'survfit(Surv(entry, time, death) ~ 1, conf.type = "log-log")',
    curve = list(time = numbers(fit$time), n_risk = numbers(fit$n.risk), n_event = numbers(fit$n.event),
                 surv = numbers(fit$surv), std_err = numbers(summary(fit, times = fit$time)$std.err),
                 lower = numbers(fit$lower), upper = numbers(fit$upper)),
    median = half(fit),
    at = list(time = numbers(at), surv = numbers(then$surv), lower = numbers(then$lower), upper = numbers(then$upper)),
    reverse = list(time = numbers(back$time[back$n.event > 0]), n_risk = numbers(back$n.risk[back$n.event > 0]),
                   surv = numbers(back$surv[back$n.event > 0]), lower = numbers(back$lower[back$n.event > 0]),
                   upper = numbers(back$upper[back$n.event > 0]), median = half(back))
  )
}

kept <- aml$x == "Maintained"
i <- seq_len(nrow(lung))
enters <- (i * 37) %% 180
seen <- enters < lung$time
survival_cases <- list(
  case("aml, all", aml$time, aml$status == 1, at = c(6, 12, 24, 48, 400), source = "survival::aml"),
  case("aml, maintained", aml$time[kept], aml$status[kept] == 1, at = c(6, 12, 24, 48, 400), source = "survival::aml"),
  case("aml, not maintained", aml$time[!kept], aml$status[!kept] == 1, at = c(6, 12, 24, 48), source = "survival::aml"),
  case("lung, tied days", lung$time, lung$status == 2, at = c(5, 182.625, 365.25, 730.5, 1095.75),
       source = "survival::lung"),
  case("veteran", veteran$time, veteran$status == 1, at = c(1, 182.625, 365.25, 999), source = "survival::veteran"),
  case("lung, delayed entry", lung$time[seen], lung$status[seen] == 2, enters[seen],
       at = c(182.625, 365.25, 730.5, 1095.75), source = "survival::lung with entry (row * 37) mod 180, later entries left out"),
  case("delayed entry on the day of a death", c(10, 12, 12, 15, 20, 25), c(1, 1, 0, 1, 1, 0), c(0, 0, 2, 10, 12, 12),
       at = c(9, 10, 12, 25), source = "made up"),
  case("ties of death and censoring", c(5, 5, 5, 8, 8, 8, 8, 11, 11), c(1, 0, 1, 0, 1, 1, 0, 1, 0), at = c(4, 5, 8, 11, 12),
       source = "made up"),
  case("all censored", c(3, 4, 4, 9), c(0, 0, 0, 0), at = c(3, 9, 10), source = "made up"),
  case("all dead", c(3, 4, 4, 9), c(1, 1, 1, 1), at = c(3, 9, 10), source = "made up"),
  case("all dead on one day", c(7, 7, 7), c(1, 1, 1), at = c(6, 7), source = "made up"),
  case("one patient, dead", 7, 1, at = c(6, 7, 8), source = "made up"),
  case("one patient, censored", 7, 0, at = c(6, 7, 8), source = "made up"),
  case("same day", c(0.5, 0.5, 3, 9, 14), c(1, 0, 1, 0, 1), at = c(0.5, 3, 9), source = "made up"),
  case("half reached over an interval", c(1, 2, 5, 6, 9, 12), c(1, 1, 1, 0, 1, 1), at = c(5, 6, 9), source = "made up"),
  case("half reached to the end", c(1, 2, 5, 6, 9, 12), c(1, 1, 1, 0, 0, 0), at = c(5, 6, 12), source = "made up"),
  case("half not reached", c(1, 2, 5, 6, 9, 12, 13), c(1, 1, 1, 0, 0, 0, 0), at = c(5, 6, 12), source = "made up")
)

pairs <- list(c(0, 10), c(1, 10), c(5, 10), c(10, 10), c(0, 1), c(1, 1), c(170, 200), c(139, 163), c(3, 7))
proportion_cases <- lapply(pairs, function(pair) {
  exact <- binom.test(pair[1], pair[2])$conf.int
  score <- suppressWarnings(prop.test(pair[1], pair[2], correct = FALSE))$conf.int
  list(n_event = pair[1], n = pair[2], clopper_pearson = numbers(exact), wilson = numbers(score))
})

# Waiting time for m more patients when k came in w days: w * b / (1 - b), b from beta(m, k + 1/2).
projection_cases <- lapply(list(c(63, 25, 180), c(1, 10, 180), c(150, 12, 180)), function(given) {
  b <- qbeta(c(0.5, 0.1, 0.9), given[1], given[2] + 0.5)
  list(missing = given[1], in_window = given[2], window_days = given[3], days = numbers(given[3] * b / (1 - b)))
})

cat(toJSON(list(
  r = R.version.string, survival = as.character(packageVersion("survival")),
  made_by = "record_in_r.R in this folder",
  survival_cases = survival_cases, proportion_cases = proportion_cases, projection_cases = projection_cases
), digits = NA, auto_unbox = TRUE, na = "null", null = "null", pretty = FALSE), "\n")
