//! Names of entities, columns and relations after tables, columns and keys.

use sea_orm::ColumnType;

use super::describe::{Described, model, model_with, notes, relations, table};
use crowsfoot::{Registry, TableOptions, tables::TableKind};

fn types(names: &[&str]) -> Vec<String> {
    let tables: Vec<_> = names.iter().map(|name| table(name, &["id"])).collect();
    model(&tables).entities.iter().map(|entity| entity.name.clone()).collect()
}

#[test]
fn a_type_is_the_singular_of_its_table() {
    let names =
        ["users", "UserInfos", "staff", "news", "tv_series", "sheep", "Größen", "用户", "2fa_codes", "!"];
    let expected = [
        "User",
        "UserInfo",
        "Staff",
        "News",
        "TvSeries",
        "Sheep",
        "Grossen",
        "YongHu",
        "Table2faCode",
        "Table",
    ];
    assert_eq!(types(&names), expected);
}

#[test]
fn a_common_prefix_of_three_tables_is_left_out() {
    assert_eq!(types(&["shop_users", "shop_orders", "shop_order_items"]), ["User", "Order", "OrderItem"]);
    assert_eq!(types(&["tblUsers", "tblOrders", "tblItems"]), ["User", "Order", "Item"]);
    assert_eq!(types(&["user_profiles", "user_settings"]), ["UserProfile", "UserSetting"]);
    assert_eq!(types(&["user", "user_profile", "user_setting"]), ["User", "UserProfile", "UserSetting"]);
    // A rest that is a type of every schema keeps the prefix.
    assert_eq!(types(&["app_nodes", "app_users", "app_posts"]), ["AppNode", "User", "Post"]);
}

/// A view that is added later renames nothing.
#[test]
fn views_take_no_name_of_a_table_and_decide_about_no_prefix() {
    let view = |name: &str| table(name, &["id"]).primary(&[]).change(|table| table.kind = TableKind::View);
    let tables = [view("active"), view("shop_order"), view("shop_news"), view("shop")];
    let tables = tables
        .into_iter()
        .chain(["shop_users", "shop_orders", "shop_items"].map(|name| table(name, &["id"])));
    let model = model(&tables.collect::<Vec<_>>());
    let names: Vec<&str> = model.entities.iter().map(|entity| entity.name.as_str()).collect();
    assert_eq!(names, ["User", "Order", "Item", "Active", "ShopOrder", "News", "Shop"]);
}

#[test]
fn a_django_application_is_a_prefix_unless_two_have_a_model_of_one_name() {
    let names = [
        "django_content_type",
        "auth_user",
        "blog_tag",
        "shop_tag",
        "blog_post",
        "my_app_cart",
        "my_app_item",
    ];
    let expected = ["ContentType", "User", "BlogTag", "ShopTag", "Post", "Cart", "Item"];
    assert_eq!(types(&names), expected);
}

#[test]
fn several_keys_to_one_target_are_told_apart_by_the_key() {
    let tables = [
        table("users", &["id"]),
        table("teams", &["id"]),
        table("games", &["id", "home_team_id", "away_team_id"])
            .references(&["home_team_id"], "teams")
            .references(&["away_team_id"], "teams"),
        table("tickets", &["id", "user_id", "assigned_to_id", "closed_by"])
            .references(&["user_id"], "users")
            .references(&["assigned_to_id"], "users")
            .references(&["closed_by"], "users"),
        table("messages", &["id", "senderId", "recipientId"])
            .references(&["senderId"], "users")
            .references(&["recipientId"], "users"),
    ];
    let expected = [
        "User.tickets: [Ticket!]!",
        "User.ticketsAssignedTo: [Ticket!]!",
        "User.ticketsClosedBy: [Ticket!]!",
        "User.messagesBySender: [Message!]!",
        "User.messagesByRecipient: [Message!]!",
        "Team.homeGames: [Game!]!",
        "Team.awayGames: [Game!]!",
        "Game.homeTeam: Team!",
        "Game.awayTeam: Team!",
        "Ticket.user: User!",
        "Ticket.assignedTo: User!",
        "Ticket.closedByUser: User!",
        "Message.sender: User!",
        "Message.recipient: User!",
    ];
    let found = model(&tables);
    assert_eq!(relations(&found), expected);
    let note = "in Ticket, the relation by closed_by to users is named closedByUser, because user is the relation by user_id to users";
    assert_eq!(notes(&found), [note]);
}

#[test]
fn a_key_without_an_end_has_the_name_of_its_target() {
    let tables = [
        table("users", &["id"]),
        table("posts", &["id", "author", "fk_owner"])
            .references(&["author"], "users")
            .references(&["fk_owner"], "users"),
        table("notes", &["id", "userid"]).references(&["userid"], "users"),
        table("pets", &["id", "user"]).references(&["user"], "users"),
    ];
    let expected = [
        "User.postsByAuthor: [Post!]!",
        "User.postsByOwner: [Post!]!",
        "User.notes: [Note!]!",
        "User.pets: [Pet!]!",
        "Post.user: User!",
        "Post.owner: User!",
        "Note.user: User!",
        "Pet.userRecord: User!",
    ];
    assert_eq!(relations(&model(&tables)), expected);
}

#[test]
fn two_junctions_of_one_pair_are_told_apart() {
    let junction = |name: &str| {
        table(name, &["user_id", "group_id"])
            .primary(&["user_id", "group_id"])
            .references(&["user_id"], "users")
            .references(&["group_id"], "groups")
    };
    let tables = [
        table("users", &["id"]),
        table("groups", &["id", "owner_id"]).references(&["owner_id"], "users"),
        junction("memberships"),
    ];
    let expected = [
        "User.groups: [Group!]!",
        "User.groupsByMembership: [Group!]!",
        "Group.owner: User!",
        "Group.users: [User!]!",
    ];
    assert_eq!(relations(&model(&tables)), expected);
    let tables =
        [table("users", &["id"]), table("groups", &["id"]), junction("memberships"), junction("bans")];
    let expected = [
        "User.groupsByMembership: [Group!]!",
        "User.groupsByBan: [Group!]!",
        "Group.usersByMembership: [User!]!",
        "Group.usersByBan: [User!]!",
    ];
    assert_eq!(relations(&model(&tables)), expected);
}

#[test]
fn lists_of_entities_that_only_a_prefix_tells_apart_have_the_prefix() {
    let line = |name: &str| table(name, &["id", "product_id"]).references(&["product_id"], "shop_product");
    let tables = [
        table("django_content_type", &["id"]),
        table("shop_product", &["id"]),
        table("shop_brand", &["id"]),
        table("basket_basket", &["id"]),
        line("basket_line"),
        table("order_order", &["id"]),
        line("order_line"),
        table("wishlists_wishlist", &["id"]),
        line("wishlists_line"),
    ];
    let expected = [
        "Product.basketLines: [BasketLine!]!",
        "Product.orderLines: [OrderLine!]!",
        "Product.wishlistsLines: [WishlistsLine!]!",
        "BasketLine.product: Product!",
        "OrderLine.product: Product!",
        "WishlistsLine.product: Product!",
    ];
    assert_eq!(relations(&model(&tables)), expected);
}

#[test]
fn a_list_has_the_name_that_the_junction_gives_it_after_its_owner() {
    let junction = |name: &str| {
        table(name, &["id", "range_id", "category_id"])
            .unique(&["range_id", "category_id"])
            .references(&["range_id"], "offer_range")
            .references(&["category_id"], "category")
    };
    let tables = [
        table("offer_range", &["id"]),
        table("category", &["id"]),
        junction("offer_range_included_categories"),
        junction("offer_range_excluded_categories"),
    ];
    let expected = [
        "OfferRange.includedCategories: [Category!]!",
        "OfferRange.excludedCategories: [Category!]!",
        "Category.offerRangesByIncludedCategories: [OfferRange!]!",
        "Category.offerRangesByExcludedCategories: [OfferRange!]!",
    ];
    assert_eq!(relations(&model(&tables)), expected);
}

#[test]
fn clashes_with_generated_names_are_resolved_and_noted() {
    let mood = ColumnType::Enum {
        name: sea_orm::sea_query::IntoIden::into_iden("status"),
        variants: ["on hold", "on-hold", "", "è"].map(sea_orm::sea_query::IntoIden::into_iden).to_vec(),
    };
    let tables = [
        table("nodes", &["id", "node_id", "and", "posts_count"]),
        table("queries", &["id"]),
        table("dates", &["id"]),
        table("posts", &["id", "node_id", "owner", "owner_id"])
            .references(&["node_id"], "nodes")
            .references(&["owner_id"], "nodes"),
        table("comments", &["id", "owner_id"]).references(&["owner_id"], "nodes"),
        table("purchases", &["id"]),
        table("purchase_orders", &["id"]),
        table("products", &["id", "create"]).unique(&["create"]),
        table("product_filters", &["id", "user_id", "userId"]),
        table("staff", &["id"]),
        table("status", &["id", "mood"]).typed("mood", "status", Some(mood)),
    ];
    let model = model(&tables);
    let types: Vec<&str> = model.entities.iter().map(|entity| entity.name.as_str()).collect();
    let expected = [
        "NodeRecord",
        "QueryRecord",
        "DateRecord",
        "Post",
        "Comment",
        "Purchase",
        "PurchaseOrder",
        "Product",
        "ProductFilter",
        "Staff",
        "Status",
    ];
    assert_eq!(types, expected);
    let expected = [
        "column nodes.node_id is named nodeIdValue, because nodeId is the node id",
        "column nodes.and is named andValue, because and is the filter's and",
        "column posts.node_id is named nodeIdValue, because nodeId is the node id",
        "column products.create is named createValue, because create is a new row",
        "column product_filters.userId is named userIdValue, because userId is column user_id",
        "the entity of table nodes is named NodeRecord, because Node is a type of every schema",
        "the entity of table queries is named QueryRecord, because Query is a type of every schema",
        "the entity of table dates is named DateRecord, because Date is a scalar",
        "the list of Staff is named allStaff, because staff is the look-up of Staff",
        "a type of Purchase is named PurchaseOrderType, because PurchaseOrder is the entity of table purchase_orders",
        "a type of Product is named ProductFilterType, because ProductFilter is the entity of table product_filters",
        "database enum status is named StatusEnum, because Status is the entity of table status",
        "value \"on-hold\" of database enum status is named ON_HOLD_VALUE, because ON_HOLD is value \"on hold\"",
        "value \"\" of database enum status is named VALUE, because \"\" is not a valid name",
        "value \"è\" of database enum status is named E, because È is not a valid name",
        "in NodeRecord, the relation from posts (node_id) is named postsByNode, because postsCount is column posts_count",
        "in Post, the relation by owner_id to nodes is named ownerNode, because owner is column owner",
    ];
    assert_eq!(notes(&model), expected);
    let expected = [
        "NodeRecord.postsByNode: [Post!]!",
        "NodeRecord.postsByOwner: [Post!]!",
        "NodeRecord.comments: [Comment!]!",
        "Post.node: NodeRecord!",
        "Post.ownerNode: NodeRecord!",
        "Comment.owner: NodeRecord!",
    ];
    assert_eq!(relations(&model), expected);
}

/// The field of a unique key stands beside those of other keys in a link, beside a junction's columns in a link with columns,
/// and names a look-up.
#[test]
fn unique_keys_that_clash_with_columns_and_entities_are_resolved_and_noted() {
    let tables = [
        table("seats", &["id", "row", "number", "row_and_number"])
            .unique(&["row", "number"])
            .unique(&["row_and_number"]),
        table("users", &["id", "email"]).unique(&["email"]),
        table("groups", &["id"]),
        table("memberships", &["user_id", "group_id", "email"])
            .primary(&["user_id", "group_id"])
            .references(&["user_id"], "users")
            .references(&["group_id"], "groups"),
        table("user_by_emails", &["id"]),
    ];
    let expected = [
        "column seats.row_and_number is named rowAndNumberValue, because seatByRowAndNumber is the look-up of Seat",
        "column memberships.email is named emailValue, because email is the unique key users (email)",
        "the entity of table user_by_emails is named UserByEmailRecord, because userByEmail is the look-up of User",
    ];
    assert_eq!(notes(&model(&tables)), expected);
}

/// Tables of two schemas may have one name, which alone would not tell them apart.
#[test]
fn notes_and_faults_name_a_table_with_its_schema() {
    let tables = [
        table("shop.products", &["id", "and"]),
        table("product_filters", &["id", "maker_id"]).references(&["maker_id"], "shop.products(and)"),
        table("shop.product_filters", &["id"]),
    ];
    let expected = [
        "foreign key product_filters (maker_id) is left out: (and) is not a unique key of shop.products",
        "column shop.products.and is named andValue, because and is the filter's and",
        "the entity of table shop.product_filters is named ShopProductFilter, because ProductFilter is the entity of table product_filters",
        "a type of Product is named ProductFilterType, because ProductFilter is the entity of table product_filters",
    ];
    assert_eq!(notes(&model(&tables)), expected);
    let options = TableOptions::new()
        .entity("shop.products", |product| product.name("Same"))
        .entity("shop.product_filters", |filter| filter.name("Same"));
    let error = Registry::from_tables(&tables, &options).model().unwrap_err().to_string();
    assert!(
        error.contains("the entity of table shop.products")
            && error.contains("the entity of table shop.product_filters"),
        "{error}"
    );
}

/// Each table has the name of a type or field that every schema or another table has.
#[test]
fn tables_named_after_parts_of_the_schema_are_served() {
    let names = [
        "mutations",
        "subscriptions",
        "page_infos",
        "directions",
        "delete_results",
        "cascaded_counts",
        "strings",
        "ints",
        "big_ints",
        "uuids",
        "jsons",
        "string_filters",
        "int_filters",
        "users",
        "user_connections",
        "user_edges",
        "user_aggregates",
        "user_orders",
        "user_creates",
        "user_links",
        "user_counts",
        "user_by_names",
        "create_users",
        "node",
        "nodes_list",
        "__type",
        "type",
        "input",
        "interfaces",
        "fragments",
        "on",
        "true",
        "null",
    ];
    let tables: Vec<_> = names
        .iter()
        .map(|name| {
            table(name, &["id", "name", "query", "type", "on", "__typename", "true"]).unique(&["name"])
        })
        .collect();
    let model = model(&tables);
    assert_eq!(model.exposed().count(), names.len());
    let is_numbered = |name: &str| name.contains(|letter: char| letter.is_ascii_digit());
    let numbered: Vec<&String> =
        model.entities.iter().map(|entity| &entity.name).filter(|name| is_numbered(name)).collect();
    assert_eq!(numbered, Vec::<&String>::new());
}

#[test]
fn names_of_options_stay_and_others_give_way() {
    let tables = [
        table("users", &["id", "name"]),
        table("posts", &["id", "user_id"]).references(&["user_id"], "users"),
    ];
    let options = TableOptions::new()
        .entity("users", |user| user.name("Account").plural("people").rename("posts", "name"))
        .entity("posts", |post| post.rename("user", "author"));
    let model = model_with(&tables, &options);
    assert_eq!(relations(&model), ["Account.name: [Post!]!", "Post.author: Account!"]);
    assert_eq!(model.entities[0].columns[1].field, "nameValue");
    assert_eq!(model.entities[0].roots.list, "people");
}
