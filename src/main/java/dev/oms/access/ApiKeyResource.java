package dev.oms.access;

import dev.oms.http.Actor;
import dev.oms.http.Bodies;
import dev.oms.http.Created;
import dev.oms.http.DatabaseFailure.AutoCommitFailure;
import dev.oms.http.Page;
import dev.oms.http.ProblemException;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.quarkus.security.Authenticated;
import io.quarkus.security.PermissionsAllowed;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.ws.rs.BeanParam;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.time.Instant;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Supplier;

/** {@code /api_keys}. */
@RunOnVirtualThread
@Path("/api_keys")
class ApiKeyResource {
    private final ApiKeys keys;
    private final CreateKey createKey;
    private final KeyChanges changes;
    private final Callers callers;
    private final Bodies bodies;

    ApiKeyResource(ApiKeys keys, CreateKey createKey, KeyChanges changes, Callers callers, Bodies bodies) {
        this.keys = keys;
        this.createKey = createKey;
        this.changes = changes;
        this.callers = callers;
        this.bodies = bodies;
    }

    /**
     * A new key. It has either a role's scopes or those listed.
     *
     * @param name what its changes are recorded under, as {@code key:<name>}
     * @param userId the only user whose data it sees and changes; needed by the role customer
     * @param rate the units that it may use a second, or null for the default
     * @param expiresAt when it stops being accepted, or null for never
     */
    record KeyBody(
            @NotNull @Pattern(regexp = CreateKey.NAME, message = CreateKey.NAME_MESSAGE)
            String name,

            Role role,
            List<@NotNull String> scopes,
            Long userId,
            @Min(1) @Max(AccessConfig.RATE_MAX) Integer rate,
            Instant expiresAt) {}

    /**
     * How to roll a key.
     *
     * @param overlapSeconds for how long the old key is still accepted; null or 0 for not at all
     */
    record RollBody(@Min(0) @Max(OVERLAP_MAX_SECONDS) Integer overlapSeconds) {}

    /**
     * A caller on the wire.
     *
     * @param auth whether calls need a key or a token
     * @param name what its changes are recorded under, or null while calls need neither
     */
    @RegisterForReflection
    record CallerView(boolean auth, String name, List<String> scopes, Long userId) {}

    /** 90 days. */
    static final int OVERLAP_MAX_SECONDS = 7_776_000;

    @POST
    @PermissionsAllowed(Scopes.KEYS_WRITE)
    public Response create(@HeaderParam(Actor.HEADER) List<String> actor, KeyBody body) {
        KeyBody valid = bodies.validate(body);
        Caller caller = callers.current();
        ApiKey key = createKey.create(
                new CreateKey.Wish(valid.name, valid.role, valid.scopes, valid.userId, valid.rate, valid.expiresAt),
                caller,
                caller.actor(actor));
        return Created.at("/api_keys/" + key.id()).entity(key).build();
    }

    @GET
    @PermissionsAllowed(Scopes.KEYS_WRITE)
    public Response list(@BeanParam Page page, UriInfo uri) {
        return page.of(keys.list(page.after(), page.rows()), ApiKey::id, uri);
    }

    /** What a client that has a key, or needs none, may do. */
    @GET
    @Path("/current")
    @Authenticated
    public CallerView current() {
        Caller caller = callers.current();
        return new CallerView(
                caller.name() != null, caller.name(), List.copyOf(new TreeSet<>(caller.scopes())), caller.userId());
    }

    @GET
    @Path("/{id}")
    @PermissionsAllowed(Scopes.KEYS_WRITE)
    public ApiKey get(@PathParam("id") long id) {
        return keys.get(id);
    }

    @POST
    @Path("/{id}/roll")
    @PermissionsAllowed(Scopes.KEYS_WRITE)
    public Response roll(@PathParam("id") long id, @HeaderParam(Actor.HEADER) List<String> actor, RollBody body) {
        int overlapSeconds = body == null || bodies.validate(body).overlapSeconds == null ? 0 : body.overlapSeconds;
        Caller caller = callers.current();
        // A key's scopes never change.
        if (!caller.scopes().containsAll(keys.get(id).scopes())) {
            throw ProblemException.forbidden("A key can only be rolled by one that has all its scopes.");
        }
        String by = caller.actor(actor).name();
        ApiKey successor = announcing(() -> keys.roll(id, overlapSeconds, KeySecret.create(), by));
        return Created.at("/api_keys/" + successor.id()).entity(successor).build();
    }

    @POST
    @Path("/{id}/revoke")
    @PermissionsAllowed(Scopes.KEYS_WRITE)
    public ApiKey revoke(@PathParam("id") long id, @HeaderParam(Actor.HEADER) List<String> actor, Bodies.Empty body) {
        String by = callers.current().actor(actor).name();
        ApiKey known = keys.get(id);
        // What was revoked stays so: nobody needs to look anything up.
        return known.revokedAt() != null ? known : announcing(() -> keys.revoke(id, by));
    }

    /** Announces a change also when it is in doubt. */
    private ApiKey announcing(Supplier<ApiKey> change) {
        try {
            ApiKey changed = change.get();
            changes.announce();
            return changed;
        } catch (AutoCommitFailure e) {
            if (e.isInDoubt()) {
                changes.announce();
            }
            throw e;
        }
    }
}
