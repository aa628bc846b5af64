# Records what R says about public data sets, so that the tests need no R. In this folder:  Rscript record_in_r.R
# Writes one CSV per data set and reference.json. Data: aml, lung, veteran, heart, mgus2 and myeloid come with R's survival
# package (public). Debian packages r-cran-survival, r-cran-cmprsk, r-cran-etm, r-cran-jsonlite.
suppressPackageStartupMessages({ library(survival); library(cmprsk); library(etm); library(jsonlite) })

plain <- function(x) unname(as.vector(x))
flat <- function(m) lapply(seq_len(nrow(m)), function(i) I(plain(m[i, ])))
cases <- list()
add <- function(kind, data, call, ..., columns = list(), note = "") {
  cases[[length(cases) + 1]] <<- list(kind = kind, data = data, call = call, columns = columns, note = note, result = list(...))
}

# ---- data ------------------------------------------------------------------------------------------------------------
veteran2 <- with(veteran, data.frame(time, status, trt = trt - 1, karno, age, prior = prior / 10, celltype = as.integer(celltype)))
veteran2$w <- 0.5 + (seq_len(nrow(veteran2)) * 7) %% 5 / 4
veteran2$entry <- ifelse((seq_len(nrow(veteran2)) * 37) %% 60 < veteran2$time, (seq_len(nrow(veteran2)) * 37) %% 60, 0)
lung2 <- with(lung[!is.na(lung$ph.ecog) & !is.na(lung$inst), ],
              data.frame(time, status = status - 1, sex = sex - 1, age, ecog = ph.ecog, site = inst))
lung2$entry <- ifelse((seq_len(nrow(lung2)) * 37) %% 180 < lung2$time, (seq_len(nrow(lung2)) * 37) %% 180, 0)
lung2$month <- ceiling(lung2$time / 30.4375)
heart2 <- with(heart, data.frame(start, stop, event, transplant = as.integer(transplant) - 1, age, year, surgery, id))
mgus <- with(mgus2[!is.na(mgus2$mspike) & !is.na(mgus2$hgb), ], data.frame(id, sex = as.integer(sex) - 1, age, hgb, mspike,
             time = pmax(ifelse(pstat == 1, ptime, futime), 0.5), code = ifelse(pstat == 1, 1, ifelse(death == 1, 2, 0))))
mgus <- mgus[seq(1, nrow(mgus), 3), ]
mgus$third <- (mgus$id %/% 3) %% 3 + 1
mgus$entry <- ifelse((mgus$id * 13) %% 40 < mgus$time, (mgus$id * 13) %% 40, 0)
myeloid2 <- with(myeloid, data.frame(id, trt = as.integer(trt == "B"), sex = as.integer(sex == "f"), futime, death,
                 txtime = ifelse(is.na(txtime), -1, txtime), rltime = ifelse(is.na(rltime), -1, rltime)))
sets <- list(aml = data.frame(time = aml$time, status = aml$status, maintained = as.integer(aml$x == "Maintained")),
             veteran = veteran2, lung = lung2, heart = heart2, mgus = mgus, myeloid = myeloid2)
for (name in names(sets)) write.csv(sets[[name]], paste0(name, ".csv"), row.names = FALSE, quote = FALSE)

# ---- log-rank --------------------------------------------------------------------------------------------------------
rank_case <- function(data, formula, columns) {
  fit <- survdiff(formula, data = sets[[data]])
  strata <- length(dim(fit$obs)) == 2
  add("logrank", data, deparse1(formula), columns = columns, chisq = fit$chisq,
      observed = plain(if (strata) rowSums(fit$obs) else fit$obs), expected = plain(if (strata) rowSums(fit$exp) else fit$exp),
      df = length(fit$n) - 1)
}
rank_case("aml", Surv(time, status) ~ maintained, list(time = "time", event = "status", group = "maintained"))
rank_case("lung", Surv(time, status) ~ sex, list(time = "time", event = "status", group = "sex"))
rank_case("lung", Surv(month, status) ~ ecog, list(time = "month", event = "status", group = "ecog"))
rank_case("lung", Surv(month, status) ~ sex + strata(site), list(time = "month", event = "status", group = "sex", stratum = "site"))
rank_case("veteran", Surv(time, status) ~ celltype, list(time = "time", event = "status", group = "celltype"))
rank_case("veteran", Surv(time, status) ~ trt + strata(celltype), list(time = "time", event = "status", group = "trt", stratum = "celltype"))

# ---- restricted mean -------------------------------------------------------------------------------------------------
mean_case <- function(data, time, event, entry, tau) {
  d <- sets[[data]]
  y <- if (is.null(entry)) Surv(d[[time]], d[[event]]) else Surv(d[[entry]], d[[time]], d[[event]])
  found <- summary(survfit(y ~ 1), rmean = tau)$table
  add("restricted_mean", data, sprintf("summary(survfit(Surv(%s)), rmean = %s)$table", paste(c(entry, time, event), collapse = ", "), tau),
      columns = list(time = time, event = event, entry = entry), tau = tau,
      value = plain(found[grep("^rmean", names(found))]), std_err = plain(found[grep("^se\\(rmean", names(found))]))
}
for (tau in c(20, 45)) mean_case("aml", "time", "status", NULL, tau)
for (tau in c(365.25, 900)) mean_case("lung", "time", "status", NULL, tau)
mean_case("lung", "month", "status", NULL, 24)
mean_case("lung", "time", "status", "entry", 730.5)
mean_case("veteran", "time", "status", NULL, 999)

# ---- competing risks -------------------------------------------------------------------------------------------------
incidence_case <- function(data, time, code, entry, subset = NULL) {
  d <- sets[[data]]
  if (!is.null(subset)) d <- d[seq_len(subset), ]
  state <- factor(d[[code]], 0:2)
  fit <- if (is.null(entry)) survfit(Surv(d[[time]], state) ~ 1) else
    survfit(Surv(d[[entry]], d[[time]], state) ~ 1, id = seq_len(nrow(d)))
  long <- data.frame(id = seq_len(nrow(d)), from = 0, to = ifelse(d[[code]] == 0, "cens", d[[code]]),
                     entry = if (is.null(entry)) 0 else d[[entry]], exit = d[[time]])
  tra <- matrix(FALSE, 3, 3); tra[1, 2:3] <- TRUE
  found <- etm(long, c("0", "1", "2"), tra, "cens", 0)
  seen <- match(found$time, fit$time)
  at <- found$time
  error <- function(cause) sqrt(sapply(seq_along(at), function(i) found$cov[paste(0, cause), paste(0, cause), i]))
  p <- fit$pstate[seen, ]
  limit <- function(cause, sign) {
    f <- p[, cause + 1]; z <- qnorm(0.975); se <- error(cause)
    ifelse(f > 0 & f < 1 & se > 0, f^exp(sign * -z * se / (f * log(f))), NA)
  }
  add("incidence", data, "survfit(Surv(entry, time, factor(code)) ~ 1)$pstate; etm(...)$cov",
      columns = list(time = time, code = code, entry = entry), rows = nrow(d),
      time = plain(at), event_free = plain(p[, 1]), first = plain(p[, 2]), second = plain(p[, 3]),
      first_error = error(1), second_error = error(2), first_lower = limit(1, 1), first_upper = limit(1, -1))
}
incidence_case("mgus", "time", "code", NULL)
incidence_case("mgus", "time", "code", "entry")
incidence_case("mgus", "time", "code", NULL, subset = 25)

gray_case <- function(group, stratum, call) {
  d <- sets$mgus
  for (cause in 1:2) {
    found <- if (is.null(stratum)) cuminc(d$time, d$code, d[[group]]) else cuminc(d$time, d$code, d[[group]], d[[stratum]])
    add("gray", "mgus", call, columns = list(time = "time", code = "code", group = group, stratum = stratum),
        cause = cause, chisq = plain(found$Tests[cause, "stat"]), df = plain(found$Tests[cause, "df"]))
  }
}
gray_case("sex", NULL, "cuminc(time, code, sex)$Tests")
gray_case("third", NULL, "cuminc(time, code, third)$Tests")
gray_case("sex", "third", "cuminc(time, code, sex, third)$Tests")

# ---- Cox -------------------------------------------------------------------------------------------------------------
tight <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 50)
cox_case <- function(data, formula, columns, covariates, weights = NULL, cluster = NULL, zph = TRUE) {
  d <- sets[[data]]
  d$.w <- if (is.null(weights)) rep(1, nrow(d)) else d[[weights]]
  d$.c <- if (is.null(cluster)) seq_len(nrow(d)) else d[[cluster]]
  environment(formula) <- environment()
  fit <- coxph(formula, data = d, weights = .w, cluster = .c, control = tight, ties = "efron", robust = TRUE)
  tests <- lapply(c("km", "rank", "identity", "log"), function(g) plain(cox.zph(fit, transform = g)$table[, "chisq"]))
  names(tests) <- c("km", "rank", "identity", "log")
  add("cox", data, deparse1(formula), columns = c(columns, list(weight = weights, cluster = cluster)),
      covariates = I(covariates), coefficient = I(plain(coef(fit))), model_covariance = flat(as.matrix(fit$naive.var)),
      robust_covariance = flat(as.matrix(fit$var)), log_likelihood = plain(fit$loglik), score = plain(fit$score),
      zph = if (zph) tests else NULL)
}
cox_case("veteran", Surv(time, status) ~ trt + karno + age, list(time = "time", event = "status"), c("trt", "karno", "age"))
cox_case("veteran", Surv(time, status) ~ trt + karno + strata(celltype), list(time = "time", event = "status", stratum = "celltype"), c("trt", "karno"))
cox_case("veteran", Surv(entry, time, status) ~ trt + karno, list(time = "time", event = "status", entry = "entry"), c("trt", "karno"), cluster = "celltype")
cox_case("veteran", Surv(time, status) ~ trt, list(time = "time", event = "status"), "trt", weights = "w")
cox_case("lung", Surv(month, status) ~ sex + age, list(time = "month", event = "status"), c("sex", "age"), cluster = "site")
cox_case("lung", Surv(entry, time, status) ~ sex + age + strata(site), list(time = "time", event = "status", entry = "entry", stratum = "site"), c("sex", "age"), cluster = "site")
cox_case("heart", Surv(start, stop, event) ~ transplant + age + surgery, list(time = "stop", event = "event", entry = "start"), c("transplant", "age", "surgery"), cluster = "id")
cox_case("aml", Surv(time, status) ~ maintained, list(time = "time", event = "status"), "maintained")

# ---- Fine and Gray ---------------------------------------------------------------------------------------------------
for (cause in 1:2) {
  d <- sets$mgus; d$state <- factor(d$code, 0:2)
  long <- finegray(Surv(time, state) ~ ., data = d, etype = as.character(cause))
  fit <- coxph(Surv(fgstart, fgstop, fgstatus) ~ sex + hgb, data = long, weights = fgwt, cluster = id, control = tight)
  other <- crr(d$time, d$code, d[, c("sex", "hgb")], failcode = cause, cencode = 0)
  add("fine_gray", "mgus", "coxph(Surv(fgstart, fgstop, fgstatus) ~ sex + hgb, data = finegray(...), weights = fgwt, cluster = id)",
      columns = list(time = "time", code = "code"), covariates = I(c("sex", "hgb")), cause = cause,
      coefficient = plain(coef(fit)), covariance = flat(as.matrix(fit$var)),
      crr_coefficient = plain(other$coef), crr_std_err = plain(sqrt(diag(other$var))))
}

# ---- weighted Kaplan-Meier -------------------------------------------------------------------------------------------
for (entered in c(FALSE, TRUE)) {
  d <- sets$veteran; d$id <- seq_len(nrow(d))
  y <- if (entered) Surv(d$entry, d$time, d$status) else Surv(d$time, d$status)
  fit <- survfit(y ~ 1, weights = d$w, id = d$id, robust = TRUE, conf.type = "log-log")
  add("weighted_curve", "veteran", "survfit(y ~ 1, weights = w, id = id, robust = TRUE, conf.type = 'log-log')",
      columns = list(time = "time", event = "status", weight = "w", entry = if (entered) "entry" else NULL),
      time = plain(fit$time), survival = plain(fit$surv), std_err = plain(summary(fit, times = fit$time)$std.err),
      lower = plain(fit$lower), upper = plain(fit$upper))
}

# ---- Firth's penalty, maximised by optim over R's own partial likelihood and information ------------------------------
firth <- function(formula, d) {
  environment(formula) <- environment()
  start <- coxph(formula, data = d)
  objective <- function(b) {
    at <- suppressWarnings(coxph(formula, data = d, init = b, control = coxph.control(iter.max = 0)))
    -(at$loglik[2] - 0.5 * as.numeric(determinant(at$var, logarithm = TRUE)$modulus))
  }
  best <- optim(rep(0, length(coef(start))), objective, method = "BFGS", control = list(reltol = 1e-15, maxit = 500))
  list(coefficient = best$par, penalised = -best$value)
}
separated <- data.frame(time = c(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), status = c(1, 1, 1, 1, 0, 0, 0, 0, 0, 1), x = c(1, 1, 1, 1, 1, 0, 0, 0, 0, 1))
sets$separated <- separated
write.csv(separated, "separated.csv", row.names = FALSE, quote = FALSE)
found <- suppressWarnings(firth(Surv(time, status) ~ x, separated))
add("firth", "separated", "optim of loglik + log det(information) / 2", columns = list(time = "time", event = "status"), covariates = I("x"),
    coefficient = I(found$coefficient), penalised = found$penalised)
found <- firth(Surv(time, status) ~ trt + prior, sets$veteran[seq(1, 137, 7), ])
add("firth", "veteran", "optim of loglik + log det(information) / 2", columns = list(time = "time", event = "status"),
    covariates = I(c("trt", "prior")), coefficient = found$coefficient, penalised = found$penalised, every = 7)

# ---- propensity and balance ------------------------------------------------------------------------------------------
d <- sets$veteran
fit <- glm(trt ~ karno + age + prior, data = d, family = binomial, control = glm.control(epsilon = 1e-15, maxit = 100))
add("propensity", "veteran", "glm(trt ~ karno + age + prior, binomial)", columns = list(treated = "trt"), covariates = I(c("karno", "age", "prior")),
    coefficient = plain(coef(fit)), std_err = plain(sqrt(diag(vcov(fit)))), fitted = plain(fitted(fit)))

# ---- landmark and time-varying on a known reversal (transplant in acute myeloid leukaemia) ---------------------------
m <- tmerge(myeloid[, c("id", "trt")], myeloid, id = id, death = event(futime, death), tx = tdc(txtime))
varying <- coxph(Surv(tstart, tstop, death) ~ tx, m, control = tight)
naive <- coxph(Surv(futime, death) ~ I(!is.na(txtime)), myeloid, control = tight)
late <- subset(myeloid, futime > 180)
mark <- coxph(Surv(futime - 180, death) ~ I(!is.na(txtime) & txtime <= 180), late, control = tight)
add("immortal_time", "myeloid", "coxph naive; landmark day 180; tmerge(tdc(txtime))", columns = list(),
    naive = plain(coef(naive)), landmark = plain(coef(mark)), landmark_n = nrow(late), varying = plain(coef(varying)),
    varying_error = plain(sqrt(diag(varying$var))))
curve <- survfit(Surv(tstart, tstop, death) ~ tx, m, conf.type = "log-log")
then <- summary(curve, times = c(100, 365.25, 730.5))
add("extended_curve", "myeloid", "survfit(Surv(tstart, tstop, death) ~ tx)", columns = list(), time = c(100, 365.25, 730.5),
    not_exposed = plain(then$surv[as.integer(then$strata) == 1]), exposed = plain(then$surv[as.integer(then$strata) == 2]))

cat(toJSON(list(r = R.version.string, survival = as.character(packageVersion("survival")), cmprsk = as.character(packageVersion("cmprsk")),
                etm = as.character(packageVersion("etm")), made_by = "record_in_r.R in this folder", cases = cases),
           digits = NA, auto_unbox = TRUE, na = "null", null = "null", pretty = FALSE), "\n", file = "reference.json")
