package dev.oms.user;

import dev.oms.access.Scopes;
import dev.oms.http.Bodies;
import dev.oms.http.Created;
import dev.oms.http.DatabaseConstraints;
import dev.oms.http.ProblemException;
import dev.oms.http.Texts;
import dev.oms.user.User.UserView;
import io.quarkus.security.PermissionsAllowed;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.persistence.PersistenceException;
import jakarta.transaction.Transactional;
import jakarta.validation.constraints.Email;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.core.Response;
import java.time.Clock;

/** {@code /users}. */
@RunOnVirtualThread
@Path("/users")
class UserResource {
    private final Users users;
    private final Bodies bodies;
    private final Clock clock;

    UserResource(Users users, Bodies bodies, Clock clock) {
        this.users = users;
        this.bodies = bodies;
        this.clock = clock;
    }

    /** A user as a client sends it, bare or as {@code {"user":{…}}}. */
    record UserBody(
            @NotNull @Size(max = Texts.NAME_MAX) @Pattern(regexp = Texts.PRINTABLE, message = Texts.PRINTABLE_MESSAGE)
            String name,

            @NotNull
            @Size(max = Texts.NAME_MAX)
            @Email
            @Pattern(regexp = Texts.PRINTABLE, message = Texts.PRINTABLE_MESSAGE)
            String email,

            @NotNull @Pattern(regexp = "[0-9]{10}", message = "must be 10 digits")
            String phone,

            UserBody user)
            implements Bodies.Wrapped<UserBody> {
        @Override
        public UserBody wrapped() {
            return user;
        }

        @Override
        public boolean hasBareFields() {
            return name != null || email != null || phone != null;
        }
    }

    @POST
    @Transactional
    @PermissionsAllowed(Scopes.USERS_WRITE)
    public Response create(UserBody body) {
        UserBody valid = bodies.unwrapAndValidate(body);
        if (users.isShared(valid.email)) {
            throw ProblemException.invalid("email", "is already taken");
        }
        User user = new User(valid.name, valid.email, valid.phone, clock.instant());
        try {
            users.persist(user);
        } catch (PersistenceException e) {
            throw switch (DatabaseConstraints.violatedBy(e)) {
                case "users_email_key", "users_email_in_any_case_key" ->
                    ProblemException.invalid("email", "is already taken");
                case "users_phone_key" -> ProblemException.invalid("phone", "is already taken");
                default -> e;
            };
        }
        return Created.at("/users/" + user.id()).entity(user.view()).build();
    }

    @GET
    @Path("/{id}")
    @PermissionsAllowed(Scopes.USERS_READ)
    public UserView get(@PathParam("id") long id) {
        return users.findByIdOptional(id)
                .orElseThrow(() -> ProblemException.unknown("user", id))
                .view();
    }
}
