package dev.oms.access;

import dev.oms.access.Quota.Decision;
import dev.oms.http.Causes;
import dev.oms.http.CollectBody;
import dev.oms.http.DatabaseFailure;
import dev.oms.http.FilterOrder;
import dev.oms.http.Problem;
import dev.oms.http.ProblemException;
import dev.oms.http.WriteProblem;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.security.identity.SecurityIdentity;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/**
 * Authenticates a call before its body is received, on the event loop. Whether the caller may do what it asks for is
 * decided by the scope that the resource method names.
 *
 * <p>A filter, not an {@code IdentityProvider}: Quarkus authenticates after all filters ({@link FilterOrder}), when the
 * body has been received, so that anybody without a key could take the memory for one.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-11.6">RFC 9110 §11.6, Authenticating Users</a>
 */
@ApplicationScoped
class Authenticate {
    static final String CHALLENGE = "Bearer realm=\"oms\"";

    /** RFC 6750 §3.1: a call without a token is not told of an error. */
    static final String INVALID_TOKEN = CHALLENGE + ", error=\"invalid_token\"";

    static final Problem NEEDED = Problem.of(401, "A key is needed: send one header Authorization: Bearer oms_…");

    private static final Logger LOG = Logger.getLogger(Authenticate.class);

    /** draft-ietf-httpapi-ratelimit-headers-10. */
    private static final CharSequence POLICY = HttpHeaders.createOptimized("RateLimit-Policy");

    static final CharSequence LIMIT = HttpHeaders.createOptimized("RateLimit");
    private static final String BEARER = "Bearer ";

    private final AuthMode mode;
    private final VerifyKeys verifyKeys;
    private final VerifyTokens verifyTokens;
    private final LastUses lastUses;
    private final FailedAuthentications failures;
    private final WriteProblem writeProblem;

    Authenticate(
            AuthMode mode,
            VerifyKeys verifyKeys,
            VerifyTokens verifyTokens,
            LastUses lastUses,
            FailedAuthentications failures,
            WriteProblem writeProblem) {
        this.mode = mode;
        this.verifyKeys = verifyKeys;
        this.verifyTokens = verifyTokens;
        this.lastUses = lastUses;
        this.failures = failures;
        this.writeProblem = writeProblem;
    }

    void warn(@Observes StartupEvent event) {
        if (mode.isOpen()) {
            LOG.warn("OMS_AUTH is off: whoever reaches this process may read and change everything.");
        }
    }

    void install(@Observes Filters filters) {
        if (mode.isOn()) {
            filters.register(this::authenticate, FilterOrder.AUTHENTICATE.priority());
        }
    }

    private void authenticate(RoutingContext call) {
        List<String> credentials = call.request().headers().getAll(HttpHeaders.AUTHORIZATION);
        if (credentials.isEmpty()) {
            // A resource that needs a scope refuses it. None that does not takes a body.
            if (CollectBody.hasBody(call)) {
                refuse(call, NEEDED);
            } else {
                call.next();
            }
            return;
        }
        String bearer = credentials.size() == 1 ? bearerIn(credentials.getFirst()) : "";
        if (bearer.isEmpty()) {
            refuse(call, NEEDED);
            return;
        }
        if (verifyTokens.isOn() && !bearer.startsWith(KeySecret.PREFIX)) {
            authenticate(call, verifyTokens.remembered(bearer), () -> verifyTokens.lookUp(bearer, call));
            return;
        }
        String address = addressOf(call);
        KeySecret.parse(bearer)
                .ifPresentOrElse(
                        key -> authenticate(
                                call,
                                verifyKeys.remembered(key),
                                () -> verifyKeys.lookUp(key, () -> failures.areTooMany(address))),
                        () -> refuse(call, VerifyKeys.NOT_VALID));
    }

    private void authenticate(
            RoutingContext call, Optional<Verdict> remembered, Supplier<CompletableFuture<Verdict>> lookUp) {
        if (remembered.isPresent() && remembered.get().isFresh(System.nanoTime())) {
            admit(call, remembered.get());
            // What was valid is looked up again, whatever others at its address do.
        } else if (remembered.filter(Verdict::isValid).isPresent() || !failures.areTooMany(addressOf(call))) {
            lookUp(call, lookUp.get());
        } else {
            call.response().putHeader(HttpHeaders.RETRY_AFTER, "1");
            writeProblem.write(
                    call, Problem.of(429, "Too many invalid keys from this address. Try again in a second."));
        }
    }

    private static String addressOf(RoutingContext call) {
        return String.valueOf(call.request().remoteAddress().hostAddress());
    }

    /** Empty when it is none. */
    private static String bearerIn(String credentials) {
        // RFC 9110 §11.1: the scheme's name may be in any case.
        return credentials.regionMatches(true, 0, BEARER, 0, BEARER.length())
                ? credentials.substring(BEARER.length()).strip()
                : "";
    }

    private void lookUp(RoutingContext call, CompletableFuture<Verdict> lookUp) {
        await(call, lookUp, (verdict, failure) -> {
            if (failure == null) {
                admit(call, verdict);
            } else if (Causes.root(failure) instanceof ProblemException refused) {
                writeProblem.write(call, refused.problem());
            } else if (!DatabaseFailure.of(failure).isTransient()) {
                LOG.error("500: a key or token cannot be verified", failure);
                writeProblem.write(call, Problem.ofUnexpected());
            } else {
                LOG.warnf(
                        "503, a key or token cannot be verified: %s",
                        Causes.root(failure).getMessage());
                writeProblem.write(call, Problem.ofUnavailable());
            }
        });
    }

    private void admit(RoutingContext call, Verdict verdict) {
        if (!verdict.isValid()) {
            failures.add(addressOf(call));
            refuse(call, verdict.refusal());
            return;
        }
        SecurityIdentity identity = verdict.identity();
        if (((Caller) identity.getPrincipal()).keyId() instanceof Long keyId) {
            lastUses.add(keyId);
        }
        KeyMechanism.authenticated(call, identity);
        SharedQuota quota = identity.getAttribute(Quotas.ATTRIBUTE);
        CompletableFuture<Decision> decision = quota.take(1).toCompletableFuture();
        if (decision.isDone()) {
            limit(call, quota, decision.join());
        } else {
            await(call, decision, (made, failure) -> {
                if (failure == null) {
                    limit(call, quota, made);
                } else {
                    LOG.warnf("The quota is not known, the call is served: %s", Causes.root(failure));
                    call.next();
                }
            });
        }
    }

    private void limit(RoutingContext call, SharedQuota quota, Decision decision) {
        call.response().putHeader(POLICY, quota.policy()).putHeader(LIMIT, decision.header());
        if (decision.granted() > 0) {
            call.next();
        } else {
            call.response().putHeader(HttpHeaders.RETRY_AFTER, Long.toString(decision.waitSeconds()));
            writeProblem.write(call, Problem.ofQuotaExceeded());
        }
    }

    /** Goes on with a call when something is known, on its event loop. Until then nothing more of it is received. */
    private static <T> void await(RoutingContext call, CompletableFuture<T> future, BiConsumer<T, Throwable> then) {
        Context context = Vertx.currentContext();
        boolean hasBody = CollectBody.hasBody(call);
        call.request().pause();
        future.whenComplete((value, failure) -> context.runOnContext(known -> {
            if (call.response().closed()) {
                return;
            }
            if (!hasBody) {
                call.request().resume();
            }
            then.accept(value, failure);
        }));
    }

    private void refuse(RoutingContext call, Problem refusal) {
        if (refusal.status() == 401) {
            call.response().putHeader("WWW-Authenticate", refusal == NEEDED ? CHALLENGE : INVALID_TOKEN);
        }
        writeProblem.write(call, refusal);
    }
}
