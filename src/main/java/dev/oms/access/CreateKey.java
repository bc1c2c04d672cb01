package dev.oms.access;

import dev.oms.access.ApiKeys.NewKey;
import dev.oms.http.Actor;
import dev.oms.http.DatabaseConstraints;
import dev.oms.http.DatabaseFailure.AutoCommitFailure;
import dev.oms.http.ProblemException;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Creates an API key, which is shown once. */
@ApplicationScoped
class CreateKey {
    static final String NAME = "[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?";

    static final String NAME_MESSAGE =
            "must be 1 to 63 lower-case letters, digits, dots, hyphens or underscores, and begin and end with a letter or digit";

    private static final Instant EXPIRES_MAX = Instant.parse("3000-01-01T00:00:00Z");

    private final ApiKeys keys;
    private final Clock clock;

    CreateKey(ApiKeys keys, Clock clock) {
        this.keys = keys;
        this.clock = clock;
    }

    /** What is asked for; null for what is not. See {@link ApiKeyResource.KeyBody}. */
    record Wish(String name, Role role, List<String> scopes, Long userId, Integer rate, Instant expiresAt) {}

    /**
     * Creates a key with a role's scopes or those listed.
     *
     * @throws ProblemException 403 when the caller does not have a scope itself, 422 when it has both, neither or an
     *     unknown scope, when there is no such user, when a user is missing or not allowed, or when it would have
     *     expired
     */
    ApiKey create(Wish wish, Caller caller, Actor actor) {
        Role role = wish.role();
        Long userId = wish.userId();
        if ((role == null) == (wish.scopes() == null || wish.scopes().isEmpty())) {
            throw ProblemException.invalid("role", "is required, or scopes instead");
        }
        Collection<String> wanted = role == null ? Set.copyOf(wish.scopes()) : role.scopes();
        requireKnown(wanted);
        if (!caller.scopes().containsAll(wanted)) {
            throw ProblemException.forbidden("A key can only be given scopes that its creator has.");
        }
        if (role == Role.customer && userId == null) {
            throw ProblemException.invalid("user_id", "is required by the role customer");
        }
        if (userId != null && !Role.customer.scopes().containsAll(wanted)) {
            throw ProblemException.invalid(
                    "user_id", "is allowed with " + String.join(", ", new TreeSet<>(Role.customer.scopes())) + " only");
        }
        if (wish.expiresAt() != null && !wish.expiresAt().isAfter(clock.instant())) {
            throw ProblemException.invalid("expires_at", "must be in the future");
        }
        if (wish.expiresAt() != null && wish.expiresAt().isAfter(EXPIRES_MAX)) {
            throw ProblemException.invalid("expires_at", "must be before the year 3000");
        }
        try {
            return keys.insert(
                    KeySecret.create(),
                    new NewKey(wish.name(), wanted, userId, wish.rate(), actor.name(), wish.expiresAt()));
        } catch (AutoCommitFailure e) {
            if (DatabaseConstraints.violatedBy(e).equals("api_keys_user_id_fkey")) {
                throw ProblemException.invalid("user_id", "is no user");
            }
            throw e;
        }
    }

    private static void requireKnown(Collection<String> scopes) {
        for (String scope : scopes) {
            if (!Scopes.ALL.contains(scope)) {
                throw ProblemException.invalid(
                        "scopes", "must be among " + String.join(", ", new TreeSet<>(Scopes.ALL)));
            }
        }
    }
}
