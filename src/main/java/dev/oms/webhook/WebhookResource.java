package dev.oms.webhook;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.oms.access.Callers;
import dev.oms.access.Scopes;
import dev.oms.event.Cursor;
import dev.oms.event.EventType;
import dev.oms.http.Actor;
import dev.oms.http.Bodies;
import dev.oms.http.Created;
import dev.oms.http.Page;
import dev.oms.http.ProblemException;
import dev.oms.http.Texts;
import dev.oms.webhook.WebhookAttempt.Outcome;
import io.quarkus.security.PermissionsAllowed;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import jakarta.validation.groups.Default;
import jakarta.ws.rs.BeanParam;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.PATCH;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/** {@code /webhooks}. Sends nothing itself: the workers do. */
@RunOnVirtualThread
@Path("/webhooks")
class WebhookResource {
    private static final Logger LOG = Logger.getLogger(WebhookResource.class);

    private static final String TYPES =
            Arrays.stream(EventType.values()).map(EventType::wireName).collect(Collectors.joining(", "));

    private final Webhooks webhooks;
    private final WebhookAttempts attempts;
    private final CheckUrl checkUrl;
    private final Callers callers;
    private final Bodies bodies;

    WebhookResource(Webhooks webhooks, WebhookAttempts attempts, CheckUrl checkUrl, Callers callers, Bodies bodies) {
        this.webhooks = webhooks;
        this.attempts = attempts;
        this.checkUrl = checkUrl;
        this.callers = callers;
        this.bodies = bodies;
    }

    /**
     * A webhook as a client sends it.
     *
     * @param types the types of events that it gets; null or empty for all
     */
    @Bodies.IgnoresEcho
    record WebhookBody(
            @NotNull(groups = OnCreate.class)
            @Size(max = WebhookUrl.LENGTH_MAX, message = "must not be longer than {max} characters")
            String url,

            List<@NotNull String> types,

            @Size(max = Texts.NAME_MAX) @Pattern(regexp = "|" + Texts.PRINTABLE, message = Texts.PRINTABLE_MESSAGE)
            String description) {

        /** The constraints on a new webhook. */
        interface OnCreate extends Default {}

        /** @throws ProblemException 422 when there is no such type */
        List<String> knownTypes() {
            return types == null
                    ? null
                    : types.stream().map(WebhookBody::known).distinct().sorted().toList();
        }

        private static String known(String type) {
            return EventType.of(type)
                    .orElseThrow(() -> ProblemException.invalid("types", "must be among " + TYPES))
                    .wireName();
        }
    }

    /** @param fromNow whether to leave out what has happened until now */
    record EnableBody(Boolean fromNow) {}

    /** Which events are sent again. No record: JAX-RS would make one of any text, by its constructor. */
    static final class ReplayBody {
        /** The id of an event: what comes after it is sent again. */
        @NotNull
        @JsonProperty
        String after;
    }

    @POST
    @PermissionsAllowed(Scopes.WEBHOOKS_WRITE)
    public Response create(@HeaderParam(Actor.HEADER) List<String> actor, WebhookBody body) {
        WebhookBody valid = bodies.validate(body, WebhookBody.OnCreate.class);
        List<String> types = valid.knownTypes();
        NewWebhook created = webhooks.insert(
                checkUrl.check(valid.url),
                types == null ? List.of() : types,
                valid.description == null ? "" : valid.description,
                actor(actor));
        return Created.at("/webhooks/" + created.webhook().id()).entity(created).build();
    }

    @GET
    @PermissionsAllowed(Scopes.WEBHOOKS_WRITE)
    public Response list(@BeanParam Page page, UriInfo uri) {
        return page.of(webhooks.list(page.after(), page.rows()), Webhook::id, uri);
    }

    @GET
    @Path("/{id}")
    @PermissionsAllowed(Scopes.WEBHOOKS_WRITE)
    public Webhook get(@PathParam("id") long id) {
        return webhooks.get(id);
    }

    @PATCH
    @Path("/{id}")
    @PermissionsAllowed(Scopes.WEBHOOKS_WRITE)
    public Webhook change(@PathParam("id") long id, @HeaderParam(Actor.HEADER) List<String> actor, WebhookBody body) {
        WebhookBody valid = bodies.validate(body);
        if (valid.url == null && valid.types == null && valid.description == null) {
            throw ProblemException.invalid("", "one of url, types and description is required");
        }
        return webhooks.change(id, checkUrl.check(valid.url), valid.knownTypes(), valid.description, actor(actor));
    }

    @DELETE
    @Path("/{id}")
    @PermissionsAllowed(Scopes.WEBHOOKS_WRITE)
    public void delete(@PathParam("id") long id, @HeaderParam(Actor.HEADER) List<String> actor) {
        String by = actor(actor).name();
        webhooks.delete(id);
        LOG.infof("Webhook %d was deleted by %s", id, by);
    }

    @POST
    @Path("/{id}/disable")
    @PermissionsAllowed(Scopes.WEBHOOKS_WRITE)
    public Webhook disable(@PathParam("id") long id, @HeaderParam(Actor.HEADER) List<String> actor, Bodies.Empty body) {
        return webhooks.disable(id, actor(actor));
    }

    @POST
    @Path("/{id}/enable")
    @PermissionsAllowed(Scopes.WEBHOOKS_WRITE)
    public Webhook enable(@PathParam("id") long id, @HeaderParam(Actor.HEADER) List<String> actor, EnableBody body) {
        return webhooks.enable(id, body != null && Boolean.TRUE.equals(body.fromNow), actor(actor));
    }

    @POST
    @Path("/{id}/rotate_secret")
    @PermissionsAllowed(Scopes.WEBHOOKS_WRITE)
    public NewWebhook rotateSecret(
            @PathParam("id") long id, @HeaderParam(Actor.HEADER) List<String> actor, Bodies.Empty body) {
        return webhooks.rotateSecret(id, actor(actor));
    }

    @POST
    @Path("/{id}/test")
    @PermissionsAllowed(Scopes.WEBHOOKS_WRITE)
    public Response test(@PathParam("id") long id, @HeaderParam(Actor.HEADER) List<String> actor, Bodies.Empty body) {
        String by = actor(actor).name();
        Webhook webhook = attempts.test(id);
        LOG.infof("A test of webhook %d was asked for by %s", id, by);
        return Response.accepted(webhook).build();
    }

    @POST
    @Path("/{id}/replay")
    @PermissionsAllowed(Scopes.WEBHOOKS_WRITE)
    public Response replay(@PathParam("id") long id, @HeaderParam(Actor.HEADER) List<String> actor, ReplayBody body) {
        Cursor after = Cursor.parse(bodies.validate(body).after);
        return Response.accepted(webhooks.replay(id, after, actor(actor))).build();
    }

    @GET
    @Path("/{id}/attempts")
    @PermissionsAllowed(Scopes.WEBHOOKS_WRITE)
    public Response attempts(
            @PathParam("id") long id, @QueryParam("outcome") Outcome outcome, @BeanParam Page page, UriInfo uri) {
        return page.of(attempts.list(id, outcome, page.after(), page.rows()), WebhookAttempt::id, uri);
    }

    @POST
    @Path("/{id}/attempts/{attempt_id}/retry")
    @PermissionsAllowed(Scopes.WEBHOOKS_WRITE)
    public Response retry(
            @PathParam("id") long id,
            @PathParam("attempt_id") long attemptId,
            @HeaderParam(Actor.HEADER) List<String> actor,
            Bodies.Empty body) {
        String by = actor(actor).name();
        WebhookAttempt attempt = attempts.sendAgain(id, attemptId);
        LOG.infof("A retry of attempt %d of webhook %d was asked for by %s", attemptId, id, by);
        return Response.accepted(attempt).build();
    }

    private Actor actor(List<String> headers) {
        return callers.current().actor(headers);
    }
}
