package dev.oms.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.oms.http.Causes;
import dev.oms.http.Problem;
import dev.oms.http.ProblemException;
import dev.oms.http.Texts;
import io.quarkus.oidc.AccessTokenCredential;
import io.quarkus.oidc.OIDCException;
import io.quarkus.security.AuthenticationFailedException;
import io.quarkus.security.identity.IdentityProviderManager;
import io.quarkus.security.identity.SecurityIdentity;
import io.quarkus.security.identity.request.AuthenticationRequest;
import io.quarkus.security.identity.request.TokenAuthenticationRequest;
import io.quarkus.vertx.http.runtime.security.HttpSecurityUtils;
import io.smallrye.mutiny.Uni;
import io.vertx.core.VertxException;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.eclipse.microprofile.jwt.JsonWebToken;
import org.jboss.logging.Logger;

/**
 * Decides whether a token may be used and what its holder may do. Quarkus verifies it; a valid one is remembered for at
 * most 10 s, any other for 1 s. Until the issuer has been reached for the first time, one call at a time tries to.
 */
@ApplicationScoped
class VerifyTokens {
    private static final Logger LOG = Logger.getLogger(VerifyTokens.class);

    private static final Duration VALID_FOR = Duration.ofSeconds(10);

    /** So that a flood of one bad token costs one check of its signature a second. */
    private static final Duration INVALID_FOR = Duration.ofSeconds(1);

    private static final Problem NOT_VALID = Problem.of(
            401,
            "The token is not valid: it has expired, is not meant for this service, or is not its issuer's. Get another from the issuer.");

    /** Far more than are in use at a time, and about 10 MB. */
    private static final int REMEMBERED_MAX = 10_000;

    /** The end of the year 9999: an {@link Instant} cannot be as late as a token may say. */
    private static final long EXPIRY_MAX = 253_402_300_799L;

    /** How long an issuer that has never been reached is left alone after an attempt. */
    private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(5);

    /** OpenID Connect Core 1.0 §2: a subject has no more characters. */
    private static final int SUBJECT_LENGTH_MAX = 255;

    private static final Pattern PRINTABLE = Pattern.compile(Texts.PRINTABLE);

    /** RFC 7515 §7.1: three parts in base64url. Quarkus fails on some of what is none. */
    private static final Pattern JWS = Pattern.compile("[\\w-]++\\.[\\w-]++\\.[\\w-]++");

    private final TrustIssuer issuer;
    private final TokenConfig config;
    private final IdentityProviderManager identities;
    private final Quotas quotas;
    private final Clock clock;
    private final Cache<ByteBuffer, Verdict> verdicts =
            Caffeine.newBuilder().maximumSize(REMEMBERED_MAX).build();

    private volatile boolean wasReached;
    private CompletableFuture<Void> firstContact;
    private long pausedUntilNanos = System.nanoTime();

    VerifyTokens(
            TrustIssuer issuer, TokenConfig config, IdentityProviderManager identities, Quotas quotas, Clock clock) {
        this.issuer = issuer;
        this.config = config;
        this.identities = identities;
        this.quotas = quotas;
        this.clock = clock;
    }

    /** Whether tokens are accepted. */
    boolean isOn() {
        return issuer.isOn();
    }

    /** What is known about a token without verifying it, if anything; it may not be fresh. */
    Optional<Verdict> remembered(String token) {
        return Optional.ofNullable(verdicts.getIfPresent(digest(token)));
    }

    /**
     * Verifies a token. What is no token is refused without asking anybody.
     *
     * @return fails with a {@link ProblemException}, 503, when the issuer cannot be reached and is needed
     */
    CompletableFuture<Verdict> lookUp(String token, RoutingContext call) {
        if (!JWS.matcher(token).matches()) {
            return CompletableFuture.completedFuture(refused(NOT_VALID));
        }
        return wasReached ? verify(token, call) : makeContact(token, call);
    }

    private CompletableFuture<Verdict> makeContact(String token, RoutingContext call) {
        CompletableFuture<Void> contact = new CompletableFuture<>();
        synchronized (this) {
            if (firstContact != null) {
                // When it is made; fails as it does.
                return firstContact.thenCompose(made -> verify(token, call));
            }
            if (pausedUntilNanos - System.nanoTime() > 0) {
                return CompletableFuture.failedFuture(unreachable());
            }
            firstContact = contact;
        }
        return verify(token, call).whenComplete((verdict, failure) -> {
            if (failure == null) {
                wasReached = true;
                contact.complete(null);
                return;
            }
            synchronized (this) {
                firstContact = null;
                if (Causes.root(failure) instanceof ProblemException) {
                    pausedUntilNanos = System.nanoTime() + PAUSE_NANOS;
                }
            }
            // Those who wait have other tokens: a failure to verify this one is not theirs.
            contact.completeExceptionally(unreachable());
        });
    }

    private CompletableFuture<Verdict> verify(String token, RoutingContext call) {
        return Uni.createFrom()
                .deferred(() -> {
                    AuthenticationRequest request = new TokenAuthenticationRequest(new AccessTokenCredential(token));
                    return identities.authenticate(HttpSecurityUtils.setRoutingContextAttribute(request, call));
                })
                .subscribeAsCompletionStage()
                .handle((identity, failure) -> {
                    if (failure != null && isOutage(failure)) {
                        LOG.warnf(
                                "503, a token cannot be verified: %s",
                                Causes.root(failure).getMessage());
                        throw unreachable();
                    }
                    if (failure != null && !isRefusal(failure)) {
                        throw new IllegalStateException("A token cannot be verified", failure);
                    }
                    Verdict verdict = failure == null ? verdictOn(identity) : refused(NOT_VALID);
                    verdicts.put(digest(token), verdict);
                    return verdict;
                });
    }

    private static ProblemException unreachable() {
        return ProblemException.busy("The issuer of tokens cannot be reached; nothing was changed. Try again.");
    }

    private boolean isOutage(Throwable failure) {
        return Causes.of(failure)
                        .anyMatch(cause -> cause instanceof IOException
                                || cause instanceof TimeoutException
                                || cause instanceof io.smallrye.mutiny.TimeoutException
                                || cause instanceof VertxException)
                || !wasReached && Causes.find(failure, OIDCException.class) != null;
    }

    private static boolean isRefusal(Throwable failure) {
        return failure instanceof AuthenticationFailedException
                // Not an outage, so the issuer has been reached: a token of another kind, such as a refresh token.
                || Causes.find(failure, OIDCException.class) != null;
    }

    private Verdict verdictOn(SecurityIdentity identity) {
        JsonWebToken token = (JsonWebToken) identity.getPrincipal();
        String subject = token.getSubject();
        if (subject.length() > SUBJECT_LENGTH_MAX || !PRINTABLE.matcher(subject).matches()) {
            return refused(NOT_VALID);
        }
        Set<Role> roles = rolesOf(identity);
        Long userId = null;
        if (roles.equals(Set.of(Role.customer))) {
            userId = userIdOf(token);
            if (userId == null) {
                return refused(Problem.of(
                        403,
                        "The token has the role customer, but no user id in its claim " + config.userClaim() + "."));
            }
        }
        Set<String> scopes =
                roles.stream().map(Role::scopes).flatMap(Collection::stream).collect(Collectors.toUnmodifiableSet());
        Caller caller = new Caller("oidc:" + subject, null, scopes, userId);
        Instant expiry = Instant.ofEpochSecond(Math.min(token.getExpirationTime(), EXPIRY_MAX));
        Duration left = Duration.between(clock.instant(), expiry);
        Duration remembered = left.compareTo(VALID_FOR) < 0 ? left : VALID_FOR;
        return Verdict.valid(
                caller.identity(quotas.of(caller), expiry.plusSeconds(TrustIssuer.CLOCK_SKEW_SECONDS)),
                System.nanoTime() + remembered.toNanos());
    }

    private static Verdict refused(Problem refusal) {
        return Verdict.refused(refusal, System.nanoTime() + INVALID_FOR.toNanos());
    }

    private static Set<Role> rolesOf(SecurityIdentity identity) {
        return Arrays.stream(Role.values())
                .filter(role -> identity.hasRole(role.name()))
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(Role.class)));
    }

    /** Null if there is none. */
    private Long userIdOf(JsonWebToken token) {
        // A number, or a string in quotes, as JSON.
        String claim =
                String.valueOf(token.<Object>getClaim(config.userClaim())).replace("\"", "");
        try {
            return Long.valueOf(claim);
        } catch (NumberFormatException e) {
            return null;
        }
    }

    private static ByteBuffer digest(String token) {
        return ByteBuffer.wrap(KeySecret.digest(token));
    }
}
