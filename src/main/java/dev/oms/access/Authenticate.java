package dev.oms.access;

import dev.oms.access.Quota.Decision;
import dev.oms.access.VerifyKeys.Answer;
import dev.oms.http.Causes;
import dev.oms.http.CollectBody;
import dev.oms.http.FilterOrder;
import dev.oms.http.Problem;
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
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * Authenticates a call before its body is received, on the event loop. Whether the caller may do what it asks for is
 * decided by the scope that the resource method names.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-11.6">RFC 9110 §11.6, Authenticating Users</a>
 */
@ApplicationScoped
class Authenticate {
    static final String CHALLENGE = "Bearer realm=\"oms\"";

    private static final Logger LOG = Logger.getLogger(Authenticate.class);
    static final String NEEDED = "A key is needed: send Authorization: Bearer oms_…";
    private static final String NOT_VALID = "The key is not valid: it is unknown, has expired or was revoked.";
    /** draft-ietf-httpapi-ratelimit-headers-10. */
    private static final CharSequence POLICY = HttpHeaders.createOptimized("RateLimit-Policy");

    private static final CharSequence LIMIT = HttpHeaders.createOptimized("RateLimit");
    private static final String BEARER = "Bearer ";

    private final boolean isOn;
    private final VerifyKeys verifyKeys;
    private final LastUses lastUses;
    private final FailedAuthentications failures;
    private final WriteProblem writeProblem;

    Authenticate(
            @ConfigProperty(name = "oms.auth") boolean isOn,
            VerifyKeys verifyKeys,
            LastUses lastUses,
            FailedAuthentications failures,
            WriteProblem writeProblem) {
        this.isOn = isOn;
        this.verifyKeys = verifyKeys;
        this.lastUses = lastUses;
        this.failures = failures;
        this.writeProblem = writeProblem;
    }

    void warn(
            @Observes StartupEvent event,
            @ConfigProperty(name = "quarkus.http.host-enabled", defaultValue = "true") boolean isServing) {
        if (!isOn && isServing) {
            LOG.warn("OMS_AUTH is off: whoever reaches this process may read and change everything.");
        }
    }

    void install(@Observes Filters filters) {
        if (isOn) {
            filters.register(this::authenticate, FilterOrder.AUTHENTICATE.priority());
        }
    }

    private void authenticate(RoutingContext call) {
        List<String> credentials = call.request().headers().getAll(HttpHeaders.AUTHORIZATION);
        if (credentials.isEmpty()) {
            // A resource that needs a scope refuses it. None that does not takes a body.
            if (CollectBody.hasBody(call.request())) {
                refuse(call, NEEDED);
            } else {
                call.next();
            }
            return;
        }
        Optional<KeySecret> key = credentials.size() == 1 ? keyIn(credentials.getFirst()) : Optional.empty();
        if (key.isEmpty()) {
            refuse(call, NOT_VALID);
            return;
        }
        Optional<Answer> answer = verifyKeys.remembered(key.get());
        if (answer.isPresent() && answer.get().isFresh()) {
            admit(call, answer.get());
        } else if (isKnown(answer) || !failures.areTooMany(addressOf(call))) {
            lookUp(call, key.get());
        } else {
            call.response().putHeader(HttpHeaders.RETRY_AFTER, "1");
            writeProblem.write(call, Problem.of(429, "Too many invalid keys from this address."));
        }
    }

    /** A key that was valid is looked up again, whatever others at its address do. */
    private static boolean isKnown(Optional<Answer> answer) {
        return answer.isPresent() && answer.get().identity().isPresent();
    }

    private static String addressOf(RoutingContext call) {
        return String.valueOf(call.request().remoteAddress().hostAddress());
    }

    private static Optional<KeySecret> keyIn(String credentials) {
        // RFC 9110 §11.1: the scheme's name may be in any case.
        return credentials.regionMatches(true, 0, BEARER, 0, BEARER.length())
                ? KeySecret.parse(credentials.substring(BEARER.length()).strip())
                : Optional.empty();
    }

    private void lookUp(RoutingContext call, KeySecret key) {
        await(call, verifyKeys.lookUp(key), (answer, failure) -> {
            if (failure == null) {
                admit(call, answer);
            } else {
                LOG.warnf(
                        "503, a key cannot be verified: %s",
                        Causes.root(failure).getMessage());
                writeProblem.write(
                        call, Problem.of(503, "The database is unavailable or busy; nothing was changed. Try again."));
            }
        });
    }

    private void admit(RoutingContext call, Answer answer) {
        if (answer.identity().isEmpty()) {
            failures.add(addressOf(call));
            refuse(call, NOT_VALID);
            return;
        }
        SecurityIdentity identity = answer.identity().get();
        lastUses.add(((Caller) identity.getPrincipal()).keyId());
        KeyMechanism.authenticated(call, identity);
        SharedQuota quota = identity.getAttribute(Quotas.ATTRIBUTE);
        CompletableFuture<Decision> decision = quota.take(1).toCompletableFuture();
        if (decision.isDone()) {
            limit(call, quota, decision.join());
        } else {
            await(call, decision, (made, failure) -> limit(call, quota, made));
        }
    }

    private void limit(RoutingContext call, SharedQuota quota, Decision decision) {
        call.response()
                .putHeader(
                        POLICY, "\"default\";q=%d;w=1".formatted(quota.quota().unitsPerSecond()))
                .putHeader(LIMIT, "\"default\";r=" + decision.remaining() + ";t=" + decision.waitSeconds());
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
        call.request().pause();
        future.whenComplete((value, failure) -> context.runOnContext(known -> {
            if (call.response().closed()) {
                return;
            }
            if (!CollectBody.hasBody(call.request())) {
                call.request().resume();
            }
            then.accept(value, failure);
        }));
    }

    private void refuse(RoutingContext call, String detail) {
        call.response().putHeader("WWW-Authenticate", CHALLENGE);
        writeProblem.write(call, Problem.of(401, detail));
    }
}
